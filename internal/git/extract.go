package git

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// PointerError says that git has a file's digest only, because Git LFS keeps it.
type PointerError struct{ Path string }

// Error names the file.
func (e *PointerError) Error() string {
	return e.Path + " is kept by Git LFS, and git has only a pointer to it"
}

// Hints says how to come by it.
func (e *PointerError) Hints() []string {
	return []string{"clone the repository with git-lfs installed, and \"xt add\" a copy of the file"}
}

// Extract writes files of the snapshot, as git stores them, below the directory
// dir, at the paths that at returns for theirs. Nothing may be there yet. What
// would lead out of dir is an error; submodules are left out.
func (s *Snapshot) Extract(ctx context.Context, files []File, dir string, at func(path string) string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	x := &extraction{root: root}
	cmd := exec.CommandContext(ctx, "git", "--git-dir="+s.r.Dir, "cat-file", "--batch")
	cmd.Env = environ()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	x.in, x.out = stdin, bufio.NewReaderSize(stdout, 1<<16)
	err = x.all(files, at)
	stdin.Close()
	if err != nil {
		_ = cmd.Process.Kill() // it may wait for somebody to read
	}
	waitErr := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && waitErr != nil:
		return fmt.Errorf("git cat-file: %s: %w", said(stderr.String()), waitErr)
	case err != nil && stderr.Len() > 0:
		return fmt.Errorf("%w: %s", err, said(stderr.String()))
	}
	return err
}

// extraction is one call of Extract.
type extraction struct {
	root *os.Root
	in   io.Writer
	out  *bufio.Reader
}

func (x *extraction) all(files []File, at func(path string) string) error {
	for _, f := range files {
		if f.Mode == Submodule {
			continue
		}
		if err := x.file(f, filepath.FromSlash(at(f.Path))); err != nil {
			return fmt.Errorf("read %s from git: %w", f.Path, err)
		}
	}
	return nil
}

// file asks for one file and writes it.
func (x *extraction) file(f File, name string) error {
	if _, err := fmt.Fprintln(x.in, f.Blob); err != nil {
		return err
	}
	head, err := x.out.ReadString('\n')
	if err != nil {
		return err
	}
	words := strings.Fields(head)
	if len(words) != 3 || words[1] != "blob" {
		return fmt.Errorf("unexpected answer %q", strings.TrimSpace(head))
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil {
		return err
	}
	if err := x.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	if err := x.write(f, name, io.LimitReader(x.out, size), size); err != nil {
		return err
	}
	_, err = x.out.Discard(1) // the line end after it
	return err
}

func (x *extraction) write(f File, name string, r io.Reader, size int64) error {
	if f.Mode == Symlink {
		target, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return x.root.Symlink(string(target), name)
	}
	if isPointer(x.out, size) {
		return &PointerError{path.Clean(f.Path)}
	}
	perm := os.FileMode(0o666)
	if f.Mode == Executable {
		perm = 0o777
	}
	w, err := x.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, r)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	return err
}

// isPointer reports whether the next size bytes are what Git LFS leaves in git.
func isPointer(r *bufio.Reader, size int64) bool {
	const begin = "version https://git-lfs.github.com/spec/v1\n"
	if size < int64(len(begin)) || size > 1024 {
		return false
	}
	b, err := r.Peek(len(begin))
	return err == nil && string(b) == begin
}
