package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// PutBytes stores data, which came from elsewhere, as the object sum. It is a
// [*DamagedError] if these are other bytes.
func (c *Cache) PutBytes(ctx context.Context, sum hash.Sum, data []byte) error {
	if hash.Bytes(data) != sum {
		return &DamagedError{Sum: sum}
	}
	had, err := c.hold(ctx, sum, int64(len(data)))
	if had == held || err != nil {
		return err
	}
	rel := name(objects, sum)
	return c.inFolder(path.Dir(rel), func(top *folder) error {
		w, err := c.draft(top, path.Dir(rel), objectMode)
		if err != nil {
			return err
		}
		if err := w.write(data); err != nil {
			w.discard()
			return err
		}
		return c.commitObject(top, w, rel, had)
	})
}

// Incoming is an object that is put together from pieces, in any order. What
// was written stays when it is given up, for the next try.
//
// Two processes may work on the same one at the same time: each writes only
// what belongs there, so that they write the same.
type Incoming struct {
	c    *Cache
	sum  hash.Sum
	size int64
	path string
}

// partialPrefix starts the names of unfinished objects in the folder tmp.
const partialPrefix = "partial-"

func isPartial(base string) bool {
	hex, ok := strings.CutPrefix(base, partialPrefix)
	_, err := hash.ParseSum(hex)
	return ok && err == nil
}

// Receive begins the object sum of size bytes, or goes on with it: then begun
// is true, and some of the bytes may be there already.
func (c *Cache) Receive(sum hash.Sum, size int64) (in *Incoming, begun bool, err error) {
	if err := c.makeFolder(temporary); err != nil {
		return nil, false, c.explain(err)
	}
	in = &Incoming{c: c, sum: sum, size: size, path: filepath.Join(c.dir, temporary, partialPrefix+sum.String())}
	info, err := os.Lstat(in.path)
	begun = err == nil && info.Mode().IsRegular() && info.Size() == size
	if begun {
		return in, true, nil
	}
	f, err := os.OpenFile(in.path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, false, c.explain(err)
	}
	err = errors.Join(f.Truncate(size), f.Close())
	return in, false, c.explain(err)
}

// WriteAt writes p at offset off. The file is opened for each call: pieces are
// big, and of thousands of objects at a time there may be some.
func (in *Incoming) WriteAt(p []byte, off int64) error {
	f, err := os.OpenFile(in.path, os.O_WRONLY, 0)
	if err != nil {
		return in.c.explain(err)
	}
	_, err = f.WriteAt(p, off)
	return in.c.explain(errors.Join(err, f.Close()))
}

// Open opens what is there for reading.
func (in *Incoming) Open() (*os.File, error) { return os.Open(in.path) }

// Commit compares the whole with its digest and makes it an object. If it is
// something else, it is removed and the error is a [*DamagedError].
func (in *Incoming) Commit(ctx context.Context) error {
	c := in.c
	f, err := in.Open()
	if errors.Is(err, fs.ErrNotExist) && c.HasFile(hash.Node{Kind: hash.File, Sum: in.sum, Size: in.size}) {
		return nil // another process was faster
	}
	if err != nil {
		return c.explain(err)
	}
	is, size, err := hash.CopySum(ctx, nil, f)
	f.Close()
	if err != nil {
		return fmt.Errorf("verify %s: %w", in.sum.Short(), err)
	}
	if is != in.sum || size != in.size {
		return errors.Join(&DamagedError{Sum: in.sum}, os.Remove(in.path))
	}
	return in.settle()
}

// settle gives the complete file its name.
func (in *Incoming) settle() error {
	rel := name(objects, in.sum)
	return in.c.inFolder(path.Dir(rel), func(top *folder) error {
		tmp := temporary + "/" + path.Base(filepath.ToSlash(in.path))
		if err := top.chmod(tmp, objectMode); err != nil {
			return err
		}
		err := top.renameNew(tmp, rel)
		if errors.Is(err, fs.ErrExist) {
			// Files in workspaces may be linked to what is there.
			return top.remove(tmp)
		}
		if err == nil {
			_ = top.touch(rel, hash.SealTime(in.c.now())) // or it is read again: see [Cache.seal]
		}
		return err
	})
}
