package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestClone(t *testing.T) {
	dir, git := newRepo(t)
	write(t, filepath.Join(dir, "a"), "1")
	git("add", "-A")
	git("commit", "-qm", "one")
	git("tag", "-a", "-m", "t", "v1")
	write(t, filepath.Join(dir, "a"), "2")
	git("commit", "-qam", "two")
	git("branch", "v1") // a tag goes over a branch of the same name
	r := open(t, dir)
	one, _ := r.Resolve("v1^{commit}")
	two, _ := r.Resolve("HEAD")
	url := "file://" + filepath.ToSlash(dir)
	for rev, want := range map[string]string{"": two, "main": two, "v1": one, one: one, one[:8]: one, "main~1": one, "HEAD": two} {
		c, commit, err := Clone(t.Context(), url, rev, filepath.Join(t.TempDir(), "clone"))
		if err != nil || commit != want {
			t.Errorf("%q: commit %q, %v, want %s", rev, commit, err, want)
			continue
		}
		s, err := c.At(commit)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Prefetch(t.Context(), url, s.Below(".")); err != nil {
			t.Error(err)
		}
		to := t.TempDir()
		if err := s.Extract(t.Context(), s.Below("."), to, func(p string) string { return "x/" + p }); err != nil {
			t.Error(err)
		}
		if b, err := os.ReadFile(filepath.Join(to, "x", "a")); err != nil || string(b) != map[string]string{one: "1", two: "2"}[want] {
			t.Errorf("%q: got %q, %v", rev, b, err)
		}
	}
	var rev *RevisionError
	if _, _, err := Clone(t.Context(), url, "v9", filepath.Join(t.TempDir(), "clone")); !errors.As(err, &rev) {
		t.Errorf("an unknown revision: %v", err)
	}
}

// Where the server can, no content comes with a clone, and what is wanted comes at
// once.
func TestPrefetch(t *testing.T) {
	dir, git := newRepo(t)
	for _, name := range []string{"a", "b", "c", "other"} {
		write(t, filepath.Join(dir, "d", name), name)
	}
	git("add", "-A")
	git("commit", "-qm", "one")
	git("config", "uploadpack.allowFilter", "true")
	git("config", "uploadpack.allowAnySHA1InWant", "true")
	url := "file://" + filepath.ToSlash(dir)
	c, commit, err := Clone(t.Context(), url, "", filepath.Join(t.TempDir(), "clone"))
	if err != nil {
		t.Fatal(err)
	}
	missing := func() int {
		out, err := c.run("rev-list", "--objects", "--missing=print", commit)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(out), "?")
	}
	if n := missing(); n != 4 {
		t.Skipf("this git leaves %d files out of a clone", n)
	}
	s, err := c.At(commit)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Prefetch(t.Context(), url, slices.DeleteFunc(s.Below("d"), func(f File) bool { return f.Path == "d/other" })); err != nil {
		t.Fatal(err)
	}
	if n := missing(); n != 1 {
		t.Errorf("%d files are still missing, want 1", n)
	}
}

func TestCloneRefused(t *testing.T) {
	newRepo(t)
	var fetch *FetchError
	for _, url := range []string{"ext::sh -c true", "--upload-pack=true", "file:///nonexistent", "fd::1"} {
		_, _, err := Clone(t.Context(), url, "", filepath.Join(t.TempDir(), "clone"))
		if !errors.As(err, &fetch) {
			t.Errorf("%s: %v", url, err)
		}
	}
	empty, _ := newRepo(t)
	if _, _, err := Clone(t.Context(), "file://"+filepath.ToSlash(empty), "", filepath.Join(t.TempDir(), "clone")); !errors.As(err, &fetch) {
		t.Errorf("no commit: %v", err)
	}
}

// TestExtractStaysInside reads trees that no git would make.
func TestExtractStaysInside(t *testing.T) {
	dir, git := newRepo(t)
	git("commit", "-q", "--allow-empty", "-m", "first")
	object := func(kind, content string) string {
		cmd := exec.Command("git", "hash-object", "-t", kind, "-w", "--stdin", "--literally")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(content)
		out, err := cmd.Output()
		if err != nil {
			t.Skip(err)
		}
		return strings.TrimSpace(string(out))
	}
	raw := func(name string) string {
		var b []byte
		if _, err := fmt.Sscanf(name, "%x", &b); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	blob, link := object("blob", "evil"), object("blob", filepath.Dir(outside))
	inner := object("tree", "100644 outside\x00"+raw(blob))
	for _, tree := range []string{
		"40000 ..\x00" + raw(inner),
		"120000 a\x00" + raw(link) + "40000 a\x00" + raw(inner),
		"100644 ../outside\x00" + raw(blob),
		"100644 " + outside + "\x00" + raw(blob),
	} {
		out, err := open(t, dir).run("commit-tree", "-m", "evil", object("tree", tree))
		if err != nil {
			t.Logf("git refuses %q: %v", tree, err)
			continue
		}
		commit := strings.TrimSpace(string(out))
		bothWays(t, dir, func(t *testing.T, r *Repo) {
			s, err := r.At(commit)
			if err != nil {
				return
			}
			to := filepath.Join(filepath.Dir(outside), "to", t.Name())
			if err := os.MkdirAll(to, 0o777); err != nil {
				t.Fatal(err)
			}
			err = s.Extract(t.Context(), s.Below("."), to, func(p string) string { return p })
			if err == nil && tree[0] == '1' && tree[1] == '0' {
				t.Errorf("%q was extracted", tree)
			}
		})
		if _, err := os.Lstat(outside); err == nil {
			t.Fatalf("%q got out", tree)
		}
	}
}
