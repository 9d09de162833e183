//go:build unix

package hash_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xtrepro/xt/hash"
)

func TestScanRefusesByName(t *testing.T) {
	root := t.TempDir()
	make := map[string]func(path string) error{
		"a named pipe": func(path string) error { return unix.Mkfifo(path, 0o666) },
		"a socket": func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		},
	}
	for what, make := range make {
		dir := strings.ReplaceAll(what, " ", "")
		path := filepath.Join(root, dir, "x")
		must(t, os.Mkdir(filepath.Dir(path), 0o777))
		must(t, make(path))
		for _, p := range []string{dir, dir + "/x"} {
			_, err := newScanner(root).Scan(context.Background(), p)
			var unsupported *hash.UnsupportedError
			if !errors.As(err, &unsupported) || unsupported.Path != path || unsupported.What != what {
				t.Errorf("%s: %v", p, err)
			}
		}
	}
}

func TestScanWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("everything is permitted")
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "d/secret"), "1")
	must(t, os.Chmod(filepath.Join(root, "d/secret"), 0))
	_, err := newScanner(root).Scan(context.Background(), "d")
	if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// TestScanPipeNamedIgnore must not wait for somebody to write to the pipe.
func TestScanPipeNamedIgnore(t *testing.T) {
	root := t.TempDir()
	must(t, unix.Mkfifo(filepath.Join(root, hash.IgnoreFile), 0o666))
	if _, err := newScanner(root).Scan(context.Background(), "."); err == nil {
		t.Error("no error")
	}
}
