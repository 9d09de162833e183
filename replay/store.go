package replay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
)

// store is the recordings of one command.
type store struct {
	dir   string // those that the last run used
	aside string // those that it did not use, and those of runs that did not succeed; "": none
}

// fileName matches the names of recordings: provider, key, number.
var fileName = regexp.MustCompile(`^([a-z0-9][a-z0-9-]*)-[0-9a-f]{64}(-[1-9][0-9]{0,8})?\.json$`)

// nameOf returns the name of the N-th recording of a request. The first has no
// number.
func nameOf(provider string, key hash.Sum, number int) string {
	name := provider + "-" + key.String()
	if number > 1 {
		name += "-" + strconv.Itoa(number)
	}
	return name + ".json"
}

// list returns the names of the recordings in the directory.
func (s *store) list() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if fileName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// providers returns the providers that there are recordings of.
func (s *store) providers() (map[string]bool, error) {
	names, err := s.list()
	found := map[string]bool{}
	for _, name := range names {
		found[fileName.FindStringSubmatch(name)[1]] = true
	}
	return found, err
}

// stored is a recording that was read.
type stored struct {
	*Recording
	sum hash.Sum // of the file
}

// find returns the recording of a name and a key; nil if there is none.
func (s *store) find(name string, key hash.Sum) (*stored, error) {
	for _, dir := range []string{s.dir, s.aside} {
		if dir == "" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rec, err := Decode(b)
		if err == nil && rec.Request.Key() != key {
			err = errors.New("it is of another request than its name says")
		}
		if err != nil {
			return nil, &RecordingError{Path: filepath.Join(dir, name), Err: err}
		}
		return &stored{rec, hash.Bytes(b)}, nil
	}
	return nil, nil
}

// put keeps a recording aside, on disk: it may have cost something.
func (s *store) put(name string, text []byte) error {
	if err := os.MkdirAll(s.aside, 0o777); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(s.aside, name), text, 0o666)
}

// keep makes the directory hold the recordings of these names, and no others. The
// others are put aside. After a kill at any moment all of them are still there.
func (s *store) keep(used map[string]hash.Sum) error {
	for name, sum := range used {
		if err := s.take(name, sum); err != nil {
			return err
		}
	}
	names, err := s.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := used[name]; ok {
			continue
		}
		if err := move(filepath.Join(s.dir, name), filepath.Join(s.aside, name)); err != nil {
			return err
		}
	}
	_ = os.Remove(s.dir) // if it is empty
	return nil
}

// take sees that a recording that was used is in the directory as it was used.
func (s *store) take(name string, sum hash.Sum) error {
	at, aside := filepath.Join(s.dir, name), filepath.Join(s.aside, name)
	b, err := os.ReadFile(at)
	switch {
	case err == nil && hash.Bytes(b) == sum:
		if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	case err == nil:
		return &RecordingError{Path: at, Err: errors.New("it was changed while it was used")}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return move(aside, at)
}

// move renames a file, or copies it where it has to go to another file system.
func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	if os.Rename(from, to) == nil {
		return nil
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(to, b, 0o666); err != nil {
		return err
	}
	return os.Remove(from)
}

// RecordingError says that a file is not the recording that it should be.
type RecordingError struct {
	Path string
	Err  error
}

// Error names the file.
func (e *RecordingError) Error() string { return fmt.Sprintf("recording %s: %v", e.Path, e.Err) }

// Unwrap returns what is wrong with it.
func (e *RecordingError) Unwrap() error { return e.Err }

// Hints says how to come by a good one.
func (e *RecordingError) Hints() []string {
	return []string{"\"git checkout\" brings back what was committed; where it is deleted, a run that records asks again"}
}
