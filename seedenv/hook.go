package seedenv

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
)

// hookFiles is the Python start-up hook.
//
//go:embed hook/*.py
var hookFiles embed.FS

// WriteHook unpacks the Python start-up hook below dir, into a directory named
// by its content so that two versions of xt do not disturb each other, and
// returns that directory. What is there already is left alone. It is safe for
// several processes at once.
func WriteHook(dir string) (string, error) {
	files, err := readHook()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "hook-"+hookSum(files).Short())
	for _, file := range files {
		if err := writeOnce(filepath.Join(path, file.name), file.content); err != nil {
			return "", fmt.Errorf("unpack the Python start-up hook: %w", err)
		}
	}
	return path, nil
}

type hookFile struct {
	name    string
	content []byte
}

// readHook returns the files, sorted by name.
func readHook() ([]hookFile, error) {
	entries, err := fs.ReadDir(hookFiles, "hook")
	if err != nil {
		return nil, err
	}
	var files []hookFile
	for _, entry := range entries {
		content, err := hookFiles.ReadFile("hook/" + entry.Name())
		if err != nil {
			return nil, err
		}
		files = append(files, hookFile{entry.Name(), content})
	}
	return files, nil
}

func hookSum(files []hookFile) hash.Sum {
	var t hash.Text
	for _, file := range files {
		t.Line("file", file.name, string(file.content))
	}
	return hash.Sum(t.Fingerprint())
}

// writeOnce makes the file hold content. The size is enough to tell a whole
// file, because the directory is named by the content and files appear whole.
func writeOnce(path string, content []byte) error {
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(content)) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFast(path, content, 0o666)
}

// HookVars returns the variables that make Python load the hook that
// [WriteHook] unpacked into dir, in front of what base says about PYTHONPATH.
func HookVars(dir string, base []string) map[string]string {
	path := dir
	if rest := get(base, "PYTHONPATH"); rest != "" {
		path += string(os.PathListSeparator) + rest
	}
	return map[string]string{"PYTHONPATH": path}
}
