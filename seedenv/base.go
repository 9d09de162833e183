package seedenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// findVersion returns the path of an interpreter of the given version, "3.11"
// or "3.11.7", or of the one that python3 stands for if version is empty.
// environ says where to look: on PATH, and where pyenv and uv keep theirs.
func (x *Interpreters) findVersion(ctx context.Context, version, dir string, environ []string) (string, *Interpreter, error) {
	if version == "" {
		path, err := defaultPython(dir, environ)
		if err != nil {
			return "", nil, err
		}
		found, err := x.Look(ctx, path, dir, environ)
		return path, found, err
	}
	var seen []string
	for _, path := range candidates(version, dir, environ) {
		found, err := x.Look(ctx, path, dir, environ)
		if err != nil {
			// A shim may stand for nothing; another candidate may do.
			continue
		}
		if matchesVersion(found.Version(), version) {
			return path, found, nil
		}
		seen = append(seen, found.Version())
	}
	return "", nil, noVersion(version, seen)
}

func noVersion(version string, seen []string) error {
	there := "none that works"
	if len(seen) > 0 {
		slices.Sort(seen)
		there = strings.Join(slices.Compact(seen), ", ")
	}
	return &MissingError{
		What: fmt.Sprintf("no Python %s (there is %s)", version, there),
		Hint: fmt.Sprintf("install it, for example with: uv python install %s, or change version in [python]", version),
	}
}

// candidates returns paths that may be interpreters of a version, the likeliest
// first; shims last, because they are slow and may stand for nothing.
func candidates(version, dir string, environ []string) []string {
	var paths []string
	for _, name := range []string{"python" + minor(version), "python3", "python"} {
		if path, ok := FindCommand(name, dir, environ); ok {
			paths = append(paths, path)
		}
	}
	for _, pattern := range installations(version, environ) {
		found, _ := filepath.Glob(pattern)
		slices.Sort(found)
		slices.Reverse(found)
		paths = append(paths, found...)
	}
	slices.SortStableFunc(paths, func(a, b string) int { return shimRank(a) - shimRank(b) })
	return paths
}

func shimRank(path string) int {
	if isShim(path) {
		return 1
	}
	return 0
}

// installations returns patterns for the places where version managers keep
// interpreters.
func installations(version string, environ []string) []string {
	home := get(environ, "HOME")
	pyenv := orElse(get(environ, "PYENV_ROOT"), filepath.Join(home, ".pyenv"))
	data := orElse(get(environ, "XDG_DATA_HOME"), filepath.Join(home, ".local", "share"))
	uv := orElse(get(environ, "UV_PYTHON_INSTALL_DIR"), filepath.Join(data, "uv", "python"))
	return []string{
		filepath.Join(pyenv, "versions", version+"*", "bin", "python3"),
		filepath.Join(uv, "cpython-"+version+"*", "bin", "python3"),
		filepath.Join(uv, "cpython-"+version+"*", "python.exe"),
		filepath.Join(string(os.PathSeparator), "usr", "local", "bin", "python"+minor(version)),
		filepath.Join(string(os.PathSeparator), "opt", "homebrew", "bin", "python"+minor(version)),
	}
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// matchesVersion reports whether a version is the one asked for, of which the
// last numbers may be left out.
func matchesVersion(version, want string) bool {
	return version == want || strings.HasPrefix(version, want+".")
}
