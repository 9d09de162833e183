package seedenv

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/hash"
)

// stamp describes the files that decide what an executable is: itself, behind
// symbolic links, and the pyvenv.cfg that makes it a virtual environment's.
func stamp(path string) string {
	bin := filepath.Dir(path)
	text := stampFile(path)
	for _, cfg := range []string{filepath.Join(bin, "pyvenv.cfg"), filepath.Join(filepath.Dir(bin), "pyvenv.cfg")} {
		text += "; " + stampFile(cfg)
	}
	return text
}

func stampFile(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "none"
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// isShim reports whether the file named as an interpreter is something else
// that picks one when it is started: a script, or a program of another name.
func isShim(path string) bool {
	if isScript(path) {
		return true
	}
	target, err := filepath.EvalSymlinks(path)
	return err == nil && !interpreterName.MatchString(filepath.Base(target))
}

func isScript(path string) bool { return bytes.HasPrefix(readHead(path, 2), []byte("#!")) }

// pyenvInputs adds to t all that decides what pyenv's shim at path starts: a
// variable, or the nearest .python-version file, or the global one. It reports
// whether path is such a shim; what others go by is not known.
func pyenvInputs(t *hash.Text, path, dir string, environ []string) bool {
	if !bytes.Contains(readHead(path, 4096), []byte("PYENV_ROOT")) {
		return false
	}
	root := get(environ, "PYENV_ROOT")
	if root == "" {
		root = filepath.Dir(filepath.Dir(path))
	}
	t.Line("pyenv", get(environ, "PYENV_VERSION"), root, string(readHead(filepath.Join(root, "version"), 4096)))
	for _, start := range []string{get(environ, "PYENV_DIR"), dir} {
		name, content := nearest(start, ".python-version")
		t.Line("pyenv-local", name, content)
	}
	return true
}

// nearest returns the file of the given name in dir or the directory next above
// that has one, and its content.
func nearest(dir, name string) (path, content string) {
	for dir != "" {
		path = filepath.Join(dir, name)
		if text, err := os.ReadFile(path); err == nil {
			return path, string(text)
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
		} else {
			dir = ""
		}
	}
	return "", ""
}
