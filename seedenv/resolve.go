package seedenv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/internal/atomicfile"
)

// Lock returns the content of the locked file that belongs to r, and resolves r
// and writes the file beside the requirements if it is missing or stale. What
// is pinned already stays pinned as far as the requirements allow.
func (b *Builder) Lock(ctx context.Context, r Requirements) ([]byte, error) {
	path := filepath.Join(b.Root, filepath.FromSlash(LockName(r.File)))
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read locked requirements: %w", err)
	}
	if err == nil && r.Resolved(old) {
		return old, nil
	}
	lock, err := b.resolve(ctx, r, old)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", r.File, err)
	}
	if err := atomicfile.Write(path, lock, 0o666); err != nil {
		return nil, fmt.Errorf("write locked requirements: %w", err)
	}
	return lock, nil
}

// resolve has uv find the versions, for every platform at once.
func (b *Builder) resolve(ctx context.Context, r Requirements, old []byte) ([]byte, error) {
	base, found, err := b.Interpreters.findVersion(ctx, r.Version, b.Root, b.Environ)
	if err != nil {
		return nil, err
	}
	tool, err := b.findUV(ctx, base)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "xt-resolve-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "requirements.lock")
	if err := os.WriteFile(out, old, 0o666); err != nil {
		return nil, err
	}
	python := minor(found.Version())
	b.say("resolving %s for Python %s", r.File, python)
	err = tool.run(ctx, nil, "pip", "compile", filepath.FromSlash(r.File), "--output-file", out, "--python", found.Executable,
		"--python-version", python, "--universal", "--generate-hashes", "--no-header", "--quiet")
	if err != nil {
		return nil, err
	}
	pins, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	if err := checkPins(pins); err != nil {
		return nil, err
	}
	return append([]byte(r.header(python)), pins...), nil
}
