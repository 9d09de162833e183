// Package offline reads what W&B's clients keep of a run where they reach no server:
// a folder with files, and a log of all that the script said. The log has the form of
// LevelDB's, its records are messages of protocol buffers.
package offline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folder is the folder of a run.
type Folder struct {
	Path string
	Log  string // the file of the log
}

// Find returns the folders of runs at a path, in the order of their names, which is
// that of time: the folder of a run or its log, a folder of them, or one that has
// that as "wandb", as scripts leave it behind. None is no error.
func Find(path string) ([]Folder, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []Folder{{filepath.Dir(path), path}}, nil
	}
	if f, ok, err := folder(path); err != nil || ok {
		return []Folder{f}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var found []Folder
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), "offline-run-") && !strings.HasPrefix(e.Name(), "run-") { // "latest-run" is a link
			continue
		}
		f, ok, err := folder(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, f)
		}
	}
	inner := filepath.Join(path, "wandb")
	if len(found) > 0 || filepath.Base(path) == "wandb" {
		slices.SortFunc(found, func(a, b Folder) int { return strings.Compare(since(a.Path), since(b.Path)) })
		return found, nil
	}
	if _, err := os.Stat(inner); err != nil {
		return nil, nil
	}
	return Find(inner)
}

// since returns what in the name of a folder tells when the run began.
func since(path string) string { return strings.TrimPrefix(filepath.Base(path), "offline-") }

// folder returns the folder of a run if path is one.
func folder(path string) (Folder, bool, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return Folder{}, false, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), "run-") && filepath.Ext(e.Name()) == ".wandb" {
			return Folder{path, filepath.Join(path, e.Name())}, true, nil
		}
	}
	return Folder{}, false, nil
}

// Records calls f for each record of the log, until it has an error. Of what is
// damaged, warn is told.
func (d *Folder) Records(warn func(problem string), f func(*Record) error) error {
	file, err := os.Open(d.Log)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := Read(file, warn, f); err != nil {
		return fmt.Errorf("read %s: %w", d.Log, err)
	}
	return nil
}

// Read calls f for each record of a log.
func Read(r io.Reader, warn func(problem string), f func(*Record) error) error {
	l, err := newLog(r, warn)
	if err != nil {
		return err
	}
	var message []byte
	for {
		message, err = l.next(message)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		record, err := parse(message)
		if err != nil {
			warn("a record cannot be read: " + err.Error())
			continue
		}
		if record == nil {
			continue
		}
		if err := f(record); err != nil {
			return err
		}
	}
}

// Files calls f for each file of the run, with its name below the folder of files,
// written with slashes, and for each link.
func (d *Folder) Files(f func(name, path string) error) error {
	root := filepath.Join(d.Path, "files")
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() && e.Type() != fs.ModeSymlink {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return f(filepath.ToSlash(name), path)
	})
}
