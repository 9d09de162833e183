package store

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/testserver"
)

func fileTarget(dir string) target {
	return target{url: (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()}
}

func TestFileSweep(t *testing.T) {
	dir := t.TempDir()
	s := fileTarget(dir).open(t, Options{})
	put(t, s, "a/blob", []byte("x"))
	young, old := filepath.Join(dir, "a", tempName()), filepath.Join(dir, tempName())
	for _, name := range []string{young, old} {
		if err := os.WriteFile(name, []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(old, yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	if got := keysOf(list(t, s, "")); !slices.Equal(got, []string{"a/blob"}) {
		t.Errorf("listed %v", got)
	}
	if n, err := s.(Sweeper).Sweep(t.Context(), time.Hour); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
}

// A folder that cannot be read must not look like an empty one.
func TestFileUnreadable(t *testing.T) {
	dir := t.TempDir()
	s := fileTarget(dir).open(t, Options{})
	put(t, s, "a/blob", []byte("x"))
	if err := os.Chmod(filepath.Join(dir, "a"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(dir, "a"), 0o777)
	if _, err := os.ReadDir(filepath.Join(dir, "a")); err == nil {
		t.Skip("this user may read everything")
	}
	for _, err := range s.List(t.Context(), "") {
		if kindOf(err) != Denied {
			t.Errorf("it is %v", err)
		}
	}
}

// What lies in the folder cannot lead out of it.
func TestFileLinkLeadsNowhere(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "secret"), []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	s := fileTarget(dir).open(t, Options{})
	if err := s.Read(t.Context(), "link/secret", 0, make([]byte, 6)); err == nil {
		t.Error("it was read")
	}
	if err := s.Put(t.Context(), "link/new", nil); err == nil {
		t.Error("it was written")
	}
	if got := list(t, s, ""); len(got) != 0 {
		t.Errorf("listed %v", got)
	}
}

// smallDisk mounts a disk of a megabyte, where the user may.
func smallDisk(t *testing.T, dir string) {
	t.Helper()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
}

func TestFileFull(t *testing.T) {
	dir := t.TempDir()
	smallDisk(t, dir)
	testFull(t, fileTarget(dir))
}

func TestSFTPFull(t *testing.T) {
	x := serverTarget(testserver.SFTP(t))
	smallDisk(t, x.server.Dir)
	testFull(t, x)
}

func testFull(t *testing.T, x target) {
	s := x.open(t, Options{})
	put(t, s, "a", []byte("before"))
	err := s.Put(t.Context(), "a", bytes.Repeat([]byte("after"), 1_000_000))
	show(t, "disk full", err)
	if kindOf(err) != Full {
		t.Errorf("it is %v: %v", kindOf(err), err)
	}
	if got := read(t, s, "a", 6); string(got) != "before" {
		t.Errorf("it is %q", got)
	}
	if n, err := s.(Sweeper).Sweep(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("%d were left, %v", n, err)
	}
}
