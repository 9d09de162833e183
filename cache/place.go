package cache

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/xtrepro/xt/hash"
)

// place makes e.Name in dir the file or link e, in one step. If there is
// something, it is replaced if so asked; else the error is fs.ErrExist.
func (co *checkout) place(ctx context.Context, dir *folder, e *hash.Entry, replace bool) error {
	if e.Kind == hash.Symlink {
		return dir.inOneStep(e.Name, replace, func(name string) error { return dir.symlink(e.Target, name) })
	}
	for _, l := range co.c.links {
		var err error
		switch {
		case l.shares() && e.Kind == hash.Executable:
			continue // the object is not executable, and it is one with the link
		case l.shares():
			err = dir.inOneStep(e.Name, replace, func(name string) error { return co.c.linkOut(dir, name, e.Sum, l) })
		case l == Reflink && !co.c.canClone():
			continue
		case e.Size <= cloneFrom:
			err = co.c.copyOut(ctx, dir, e, replace, Copy)
		default:
			err = co.c.copyOut(ctx, dir, e, replace, l)
		}
		if !isUnsupported(err) {
			return err
		}
	}
	return co.c.copyOut(ctx, dir, e, replace, Copy)
}

// inOneStep makes a link under the given name, or under a temporary one that
// then replaces what has the name.
func (d *folder) inOneStep(name string, replace bool, link func(name string) error) error {
	if !replace {
		return link(name)
	}
	tmp := tempName()
	if err := link(tmp); err != nil {
		return err
	}
	err := d.rename(d, tmp, name)
	// Renaming one name of a file to another of the same file does nothing.
	if rm := d.remove(tmp); err == nil && rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = rm
	}
	return err
}

// copyOut writes a copy or a clone of the object.
func (c *Cache) copyOut(ctx context.Context, dir *folder, e *hash.Entry, replace bool, l Link) error {
	top, err := c.folder()
	if err != nil {
		return err
	}
	src, err := top.open(name(objects, e.Sum))
	if err != nil {
		return err
	}
	defer src.close()
	w, err := dir.draft(".", fileMode(e.Kind))
	if err != nil {
		return err
	}
	if err := c.fillOut(ctx, w, src, e, l); err != nil {
		w.discard()
		return err
	}
	return w.commit(e.Name, replace)
}

// fileMode is the mode of a file of the user's own, less the umask.
func fileMode(k hash.Kind) fs.FileMode {
	if k == hash.Executable {
		return 0o777
	}
	return 0o666
}

func (c *Cache) fillOut(ctx context.Context, w *draft, src *source, e *hash.Entry, l Link) error {
	if l == Reflink {
		err := w.clone(src)
		if isUnsupported(err) {
			c.noReflink.Store(true)
		}
		return err
	}
	if e.Size <= smallFile {
		return c.fillSmall(w, src, e)
	}
	sum, _, err := hash.CopySum(ctx, w.file(), src.file())
	if err == nil && sum != e.Sum {
		err = c.quarantine(objects, e.Sum)
	}
	return err
}

// fillSmall copies a file that fits into memory, where checking its digest
// costs next to nothing.
func (c *Cache) fillSmall(w *draft, src *source, e *hash.Entry) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	if int64(cap(*buf)) <= e.Size {
		*buf = make([]byte, e.Size+1)
	}
	n, err := src.fill((*buf)[:e.Size+1])
	if err != nil && err != io.EOF {
		return err
	}
	if data := (*buf)[:n]; hash.Bytes(data) == e.Sum {
		return w.write(data)
	}
	return c.quarantine(objects, e.Sum)
}

// cloneFrom is the size in bytes from which on cloning is cheaper than copying.
const cloneFrom = 16 << 10
