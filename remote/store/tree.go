package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"
)

// disk is a folder on this machine or on another one. Names are slash-separated
// and relative to it; "." is the folder itself.
type disk interface {
	stat(ctx context.Context, name string) (fs.FileInfo, error)
	// read fills p and returns how much of it; less is an error.
	read(ctx context.Context, name string, off int64, p []byte) (int, error)
	// write makes a file that is not there yet.
	write(ctx context.Context, name string, data []byte) error
	// replace renames a file, whether or not the new name is taken.
	replace(ctx context.Context, from, to string) error
	// place renames a file, or fails with [fs.ErrExist] if the new name is taken.
	place(ctx context.Context, from, to string) error
	remove(ctx context.Context, name string) error
	// mkdir makes a folder with all above it, those of the store too.
	mkdir(ctx context.Context, name string) error
	// entries returns what is in a folder.
	entries(ctx context.Context, name string) ([]fs.FileInfo, error)
	close() error
}

// tree is a driver that keeps each blob in a file of its own.
type tree struct {
	disk
	foreign bool // as in [Options]
	version func(fs.FileInfo) string
}

// tempPrefix begins the names of files that are about to get their real one,
// as in the rest of xt.
const tempPrefix = ".xt-tmp-"

func tempName() string { return fmt.Sprintf("%s%016x", tempPrefix, rand.Uint64()) }

func isTemp(name string) bool { return strings.HasPrefix(name, tempPrefix) }

func (t *tree) stat(ctx context.Context, key string) (Info, error) {
	i, err := t.disk.stat(ctx, key)
	if err == nil && !i.Mode().IsRegular() {
		err = &fs.PathError{Op: "stat", Path: key, Err: fs.ErrNotExist}
	}
	if err != nil {
		return Info{}, err
	}
	return t.info(key, i), nil
}

func (t *tree) info(key string, i fs.FileInfo) Info {
	return Info{Key: key, Size: i.Size(), Modified: i.ModTime(), Version: t.version(i)}
}

func (t *tree) put(ctx context.Context, key string, data []byte, create bool) error {
	dir := path.Dir(key)
	temp := path.Join(dir, tempName())
	err := t.write(ctx, temp, data)
	if errors.Is(err, fs.ErrNotExist) {
		if err = t.mkdir(ctx, dir); err == nil {
			err = t.write(ctx, temp, data)
		}
	}
	switch {
	case err != nil:
	case create:
		err = t.place(ctx, temp, key)
	default:
		err = t.replace(ctx, temp, key)
	}
	if err != nil {
		// Sweep removes it if this doesn't, such as for want of a connection.
		_ = t.disk.remove(ctx, temp)
	}
	return err
}

func (t *tree) remove(ctx context.Context, keys []string) ([]string, error) {
	for i, key := range keys {
		err := ctx.Err()
		if err == nil {
			err = t.disk.remove(ctx, key)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return keys[i:], err
		}
	}
	return nil, nil
}

// ahead is how many folders are read before their turn: over a network that
// takes several round trips for each.
const ahead = 16

func (t *tree) list(ctx context.Context, prefix string, try func(func() error) error) iter.Seq2[Info, error] {
	ctx, cancel := context.WithCancel(ctx)
	return func(yield func(Info, error) bool) {
		defer cancel()
		t.walk(ctx, path.Clean(prefix), try, yield)
	}
}

// walk yields the files below dir in the order of their keys.
func (t *tree) walk(ctx context.Context, dir string, try func(func() error) error, yield func(Info, error) bool) bool {
	entries, err := t.folder(ctx, dir, try)
	if err != nil {
		return yield(Info{}, err)
	}
	return t.walkEntries(ctx, dir, entries, try, yield)
}

func (t *tree) walkEntries(ctx context.Context, dir string, entries []fs.FileInfo, try func(func() error) error, yield func(Info, error) bool) bool {
	next := t.readAhead(ctx, dir, entries, try)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.Mode().IsRegular():
			if !yield(t.info(name, e), nil) {
				return false
			}
		case e.IsDir():
			sub := next()
			if sub.err != nil {
				return yield(Info{}, sub.err)
			}
			if !t.walkEntries(ctx, name, sub.entries, try, yield) {
				return false
			}
		case t.foreign:
			return yield(Info{}, try(func() error {
				return &trouble{kind: Other, text: fmt.Sprintf("%q is neither a file nor a folder", name)}
			}))
		}
	}
	return true
}

// reading is what a folder turned out to hold.
type reading struct {
	entries []fs.FileInfo
	err     error
}

// readAhead begins to read the folders among entries, and returns a function
// that waits for one after the other.
func (t *tree) readAhead(ctx context.Context, dir string, entries []fs.FileInfo, try func(func() error) error) func() reading {
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	var begun []chan reading
	begin := func() {
		if len(names) == 0 {
			return
		}
		c := make(chan reading, 1)
		begun = append(begun, c)
		go func(name string) {
			sub, err := t.folder(ctx, name, try)
			c <- reading{sub, err}
		}(names[0])
		names = names[1:]
	}
	return func() reading {
		for len(begun) < ahead && len(names) > 0 {
			begin()
		}
		first := begun[0]
		begun = begun[1:]
		return <-first
	}
}

// folder reads one folder, in the order of the keys: a folder's name counts
// with the slash after it. An absent one is an empty one.
func (t *tree) folder(ctx context.Context, dir string, try func(func() error) error) ([]fs.FileInfo, error) {
	var entries []fs.FileInfo
	err := try(func() (err error) {
		entries, err = t.entries(ctx, dir)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
	// A name that is none would lead elsewhere.
	entries = slices.DeleteFunc(entries, func(e fs.FileInfo) bool {
		return !fs.ValidPath(e.Name()) || strings.Contains(e.Name(), "/") || !t.foreign && !validKey(e.Name())
	})
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return cmp.Compare(sortName(a), sortName(b)) })
	return entries, err
}

func sortName(e fs.FileInfo) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

// sweep removes the temporary files that killed writers left. What time it is
// there, a file that is made for it tells.
func (t *tree) sweep(ctx context.Context, olderThan time.Duration) (int, error) {
	now, err := t.now(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	n := 0
	once := func(f func() error) error { return f() }
	t.walk(ctx, ".", once, func(info Info, walkErr error) bool {
		err = walkErr
		if err != nil || !isTemp(path.Base(info.Key)) || now.Sub(info.Modified) < olderThan {
			return err == nil
		}
		if err = t.disk.remove(ctx, info.Key); errors.Is(err, fs.ErrNotExist) {
			err = nil
		} else if err == nil {
			n++
		}
		return err == nil
	})
	return n, err
}

func (t *tree) now(ctx context.Context) (time.Time, error) {
	name := tempName()
	if err := t.write(ctx, name, nil); err != nil {
		return time.Time{}, err
	}
	i, err := t.disk.stat(ctx, name)
	if removeErr := t.disk.remove(ctx, name); err == nil {
		err = removeErr
	}
	if err != nil {
		return time.Time{}, err
	}
	return i.ModTime(), nil
}
