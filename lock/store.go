package lock

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
)

// Store is the lock of a workspace, on disk. Each change is journaled at once,
// at a cost that does not grow with the lock, and survives a kill; [Store.Commit]
// writes the lock. Its methods may be called concurrently, but only one process
// at a time may change a workspace's lock: callers hold the workspace's own
// lock.
type Store struct {
	path string

	mu      sync.Mutex
	file    *File
	base    hash.Sum // of the lock's bytes as last read or written; zero if there were none
	tidy    bool     // whether those bytes hold no conflict markers
	changed changes
	journal *journal
	known   map[hash.Sum]bool // environments that the lock or the journal holds
}

// changes names what a store has changed since it read or wrote the lock.
type changes struct {
	stages map[string]bool
	data   map[string]bool
}

// OpenStore reads the lock at lockPath, empty if there is none, and what a
// killed xt left in the journal at journalPath. Both files may be read-only as
// long as nothing is changed. A lock that breaks the format is an [*Error].
func OpenStore(lockPath, journalPath string) (*Store, error) {
	s := &Store{path: lockPath}
	if err := s.read(); err != nil {
		return nil, err
	}
	j, err := openJournal(journalPath, s.base, s.apply)
	if err != nil {
		return nil, err
	}
	s.journal = j
	return s, nil
}

// read takes the lock on disk for the store's, and forgets all changes.
func (s *Store) read() error {
	b, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read lock: %w", err)
	}
	f, conflicted, err := parse(filepath.Base(s.path), b)
	if err != nil {
		return err
	}
	s.settle(f, b, !conflicted)
	return nil
}

// settle takes f for what the lock on disk, with bytes b, holds.
func (s *Store) settle(f *File, b []byte, tidy bool) {
	s.file, s.base, s.tidy = f, digest(b), tidy
	s.changed = changes{make(map[string]bool), make(map[string]bool)}
	s.known = make(map[hash.Sum]bool)
	for sum := range f.used() {
		s.known[sum] = true
	}
}

// digest returns the digest of a lock's bytes, zero for an absent or empty one.
func digest(b []byte) hash.Sum {
	if len(b) == 0 {
		return hash.Sum{}
	}
	return hash.Bytes(b)
}

// File returns the lock with all changes so far. The maps are the caller's, the
// entries are shared and must not be changed. It takes time in proportion to
// the lock: call it once, and [Store.Stage] for one entry.
func (s *Store) File() *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &File{
		Stages:       maps.Clone(s.file.Stages),
		Data:         maps.Clone(s.file.Data),
		Environments: maps.Clone(s.file.Environments),
	}
}

// Stage returns the entry of a stage and the environment that it names. Either
// is nil if the lock has none.
func (s *Store) Stage(name string) (*Stage, *Environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.file.Stages[name]
	return st, s.file.EnvironmentOf(st)
}

// Data returns the entry of data that was added at path, or nil.
func (s *Store) Data(path string) *Data {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Data[path]
}

// AddEnvironment makes an environment known to stages that are set later, and
// returns the digest by which they name it. It is written with the first of
// them.
func (s *Store) AddEnvironment(e *Environment) hash.Sum {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := e.Sum()
	if s.file.Environments[sum] == nil {
		s.file.Environments[sum] = e
	}
	return sum
}

// SetStage puts an entry into the lock in place of the stage's former one. An
// entry that [Parse] would refuse is an error and changes nothing. If only the
// journal cannot be written, the entry is kept: a later Commit may succeed.
func (s *Store) SetStage(st *Stage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sameStage(s.file.Stages[st.Name], st) {
		return nil
	}
	f := New()
	f.Stages[st.Name] = st
	if e := s.file.EnvironmentOf(st); e != nil && !s.known[st.Environment] {
		f.Environments[st.Environment] = e
	}
	return s.set(f, "stage "+st.Name)
}

// SetData puts an entry into the lock in place of the path's former one. Errors
// are as for [Store.SetStage].
func (s *Store) SetData(d *Data) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sameData(s.file.Data[d.Path], d) {
		return nil
	}
	f := New()
	f.Data[d.Path] = d
	return s.set(f, "data "+d.Path)
}

// set journals and applies the entries of f. What is kept is what was read back
// from their text: the caller may change its own, and no entry gets into a lock
// that could not be read again.
func (s *Store) set(f *File, what string) error {
	text := f.Encode()
	read, err := Parse("entry", text)
	if err == nil && !bytes.Equal(read.Encode(), text) {
		err = errors.New("a value is not spelled as the lock spells it")
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written to the lock: %w", what, err)
	}
	s.put(read)
	if err := s.journal.add(record{opSet, string(text)}); err != nil {
		return err
	}
	s.remember(read)
	return nil
}

// RemoveStage takes a stage's entry out of the lock, if there is one. If the
// journal cannot be written, it is taken out all the same.
func (s *Store) RemoveStage(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file.Stages[name] == nil {
		return nil
	}
	return s.remove(record{opRemoveStage, name})
}

// RemoveData takes the entry of data at path out of the lock, if there is one.
// If the journal cannot be written, it is taken out all the same.
func (s *Store) RemoveData(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file.Data[path] == nil {
		return nil
	}
	return s.remove(record{opRemoveData, path})
}

func (s *Store) remove(rec record) error {
	err := s.journal.add(rec)
	return errors.Join(err, s.apply(rec))
}

// apply makes the change of a record in memory.
func (s *Store) apply(rec record) error {
	switch rec.op {
	case opSet:
		f, err := Parse("entry", []byte(rec.body))
		if err != nil {
			return err
		}
		s.put(f)
		s.remember(f)
	case opRemoveStage:
		delete(s.file.Stages, rec.body)
		s.changed.stages[rec.body] = true
	case opRemoveData:
		delete(s.file.Data, rec.body)
		s.changed.data[rec.body] = true
	default:
		return fmt.Errorf("unknown record %q", rec.op)
	}
	return nil
}

// remember notes which environments are on disk.
func (s *Store) remember(f *File) {
	for sum := range f.Environments {
		s.known[sum] = true
	}
}

// put makes the entries of f those of the lock.
func (s *Store) put(f *File) {
	for name, st := range f.Stages {
		s.file.Stages[name] = st
		s.changed.stages[name] = true
	}
	for path, d := range f.Data {
		s.file.Data[path] = d
		s.changed.data[path] = true
	}
	for sum, e := range f.Environments {
		s.file.Environments[sum] = e
	}
}

// Commit writes the changes to the lock, in one step, and empties the journal.
// If nothing changed, nothing is written. If the lock on disk is not the one
// that was read, say since a git pull went on in between, the changes are made
// to it: entries that this store did not touch are those on disk. On error the
// lock is as before, and the journal keeps the changes.
func (s *Store) Commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tidy && len(s.changed.stages)+len(s.changed.data) == 0 {
		return nil
	}
	onDisk, err := s.rebase()
	if err != nil {
		return err
	}
	text := s.file.Encode()
	if plainLines(string(onDisk)) != string(text) {
		if err := s.write(text); err != nil {
			return fmt.Errorf("write lock: %w", err)
		}
		onDisk = text
	}
	s.settle(s.file, onDisk, true)
	return s.journal.reset(s.base)
}

// write replaces the file. One that is read-only is not replaced, although the
// directory would allow it.
func (s *Store) write(text []byte) error {
	f, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	switch {
	case err == nil:
		f.Close()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return atomicfile.Write(s.path, text, 0o666)
}

// rebase makes sure that the changes are those to the lock on disk, and returns
// its bytes.
func (s *Store) rebase() ([]byte, error) {
	b, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read lock: %w", err)
	}
	if digest(b) == s.base {
		return b, nil
	}
	f, err := Parse(filepath.Base(s.path), b)
	if err != nil {
		return nil, fmt.Errorf("the lock was changed meanwhile: %w", err)
	}
	overlay(f.Stages, s.file.Stages, s.changed.stages)
	overlay(f.Data, s.file.Data, s.changed.data)
	f.Environments = union(f.Environments, s.file.Environments)
	s.file = f
	return b, nil
}

// overlay makes the named entries of dst those of src.
func overlay[V any](dst, src map[string]V, names map[string]bool) {
	for name := range names {
		if v, ok := src[name]; ok {
			dst[name] = v
		} else {
			delete(dst, name)
		}
	}
}

// Close gives up the journal's file. Changes that were not committed stay in
// the journal.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal.close()
}
