package seedenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// UVVersion is the release of uv that is installed where there is none.
const UVVersion = "0.13.9"

// uv is the program, ready to run.
type uv struct {
	b       *Builder
	path    string
	environ []string
}

// findUV returns the user's own uv, or one that xt installs from PyPI with the
// interpreter python into a directory of the user's cache, once.
func (b *Builder) findUV(ctx context.Context, python string) (*uv, error) {
	path, err := b.uvPath(ctx, python)
	if err != nil {
		return nil, err
	}
	return &uv{b, path, b.uvEnviron(ctx, python)}, nil
}

// run runs uv in the project root, passes on its lines about downloads and
// builds, and makes an error of all that it said if it fails.
//
// held, if not nil, is a file that uv keeps open: see [Builder.lock].
func (u *uv) run(ctx context.Context, held *os.File, args ...string) error {
	cmd := exec.CommandContext(ctx, u.path, args...)
	if held != nil {
		cmd.ExtraFiles = []*os.File{held}
	}
	cmd.Dir = u.b.Root
	cmd.Env = u.environ
	said := &progress{say: u.b.say}
	cmd.Stderr = said
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return explain(err, said.all.String())
	}
	return nil
}

// uvPath returns the path of uv, which is installed if it is not there.
func (b *Builder) uvPath(ctx context.Context, python string) (string, error) {
	// A script would be a shim, such as pyenv's, that may stand for nothing.
	if path, ok := FindCommand("uv", b.Root, b.Environ); ok && !isScript(path) {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for uv: %w", err)
	}
	dir := filepath.Join(cache, "xt", "uv-"+UVVersion)
	path := filepath.Join(dir, "bin", "uv")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := b.installUV(ctx, python, dir); err != nil {
		return "", fmt.Errorf("install uv %s: %w", UVVersion, err)
	}
	return path, nil
}

// installUV puts uv into dir, whole or not at all.
func (b *Builder) installUV(ctx context.Context, python, dir string) error {
	_, unlock, err := b.lock(ctx, dir+".lock", "the installation of uv")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return nil // another process was faster
	}
	b.say("installing uv %s from PyPI", UVVersion)
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "uv-tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := b.pipInstall(ctx, python, tmp); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, "target"), dir)
}

// pipInstall installs uv into tmp/target with the interpreter's own pip or, as
// some systems ship Python without, that of a new virtual environment.
func (b *Builder) pipInstall(ctx context.Context, python, tmp string) error {
	target := filepath.Join(tmp, "target")
	install := []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--no-warn-script-location", "--target", target, "uv==" + UVVersion}
	if _, err := b.output(ctx, python, "-m", "pip", "--version"); err == nil {
		_, err := b.output(ctx, python, install...)
		return err
	}
	venv := filepath.Join(tmp, "venv")
	if _, err := b.output(ctx, python, "-m", "venv", venv); err != nil {
		return &MissingError{
			What: "neither uv nor pip is there",
			Hint: "install uv: https://docs.astral.sh/uv/getting-started/installation/",
			Err:  err,
		}
	}
	_, err := b.output(ctx, venvPython(venv), install...)
	return err
}

// output runs a program in the project root and returns what it printed. What
// it said on standard error becomes the error.
func (b *Builder) output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.Root
	cmd.Env = without(b.Environ, "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "XT_SEED", "XT_DETERMINISTIC")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", explain(err, stderr.String())
	}
	return stdout.String(), nil
}

// explain makes an error of what a program said before it failed; of its exit
// status if it said nothing.
func explain(err error, stderr string) error {
	text := strings.TrimSpace(stderr)
	if text == "" || !errors.As(err, new(*exec.ExitError)) {
		return err
	}
	if isOffline(text) {
		return &MissingError{
			What: "the package index cannot be reached",
			Hint: "look at the network, the proxy variables, and UV_DEFAULT_INDEX or pip's index-url",
			Err:  errors.New(lastLines(text, 6)),
		}
	}
	return errors.New(text)
}

// isOffline reports whether uv or pip says that there is no way to the index.
func isOffline(text string) bool {
	lower := strings.ToLower(text)
	for _, sign := range []string{
		"error sending request", "dns error", "failed to lookup address", "connection refused",
		"network is unreachable", "network was disabled", "tcp connect error",
		"newconnectionerror", "temporary failure in name resolution", "operation timed out",
	} {
		if strings.Contains(lower, sign) {
			return true
		}
	}
	return false
}
