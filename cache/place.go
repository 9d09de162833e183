package cache

import (
	"context"
	"io"
	"io/fs"
	"path"

	"github.com/xtrepro/xt/hash"
)

// place makes e.Name in dir the file or link e, in one step. What is there must
// be what rec says; if that is nothing and something is there, the error is
// fs.ErrExist.
func (co *checkout) place(ctx context.Context, dir *folder, e *hash.Entry, rec *hash.Record) error {
	if rec.Node.IsZero() {
		return co.make(ctx, dir, e.Name, e)
	}
	if err := dir.unchanged(rec); err != nil {
		return err
	}
	return co.c.replace(dir, e.Name, func(in *folder, as string) error {
		if err := co.make(ctx, in, as, e); err != nil {
			return err
		}
		return dir.unchanged(rec) // a big file takes seconds, in which its user may go on with it
	})
}

// make makes as in the folder in the file or link e; nothing must be there.
func (co *checkout) make(ctx context.Context, in *folder, as string, e *hash.Entry) error {
	if e.Kind == hash.Symlink {
		return in.symlink(e.Target, as)
	}
	for _, l := range co.c.links {
		var err error
		switch {
		case l.shares() && e.Kind == hash.Executable:
			continue // the object is not executable, and it is one with the link
		case l.shares():
			err = co.c.linkOut(in, as, e.Sum, l)
		case l == Reflink && (co.far.Load() || !co.c.canClone()):
			continue
		case e.Size <= cloneFrom:
			err = co.c.copyOut(ctx, in, as, e, Copy)
		default:
			err = co.c.copyOut(ctx, in, as, e, l)
		}
		if !isUnsupported(err) {
			return err
		}
		if l == Reflink {
			co.far.Store(true)
		}
	}
	return co.c.copyOut(ctx, in, as, e, Copy)
}

// replace makes something new under a temporary name and renames it over the
// name in dir. The temporary name is in the cache, where a kill leaves it out
// of anybody's way, unless that is on another file system.
func (c *Cache) replace(dir *folder, base string, make func(in *folder, as string) error) error {
	if top := c.stage(dir); top != nil {
		err := dir.replaceFrom(top, temporary+"/"+tempName(), base, make)
		if !isUnsupported(err) && !isReadOnly(err) {
			return err
		}
	}
	return dir.replaceFrom(dir, tempName(), base, make)
}

// stage returns the cache's folder if files can be renamed from there to dir.
func (c *Cache) stage(dir *folder) *folder {
	i, err := dir.lstat(".")
	if err != nil || !c.near(i) {
		return nil
	}
	if !c.staged.Load() && c.makeFolder(temporary) != nil {
		return nil
	}
	c.staged.Store(true)
	return c.top.Load()
}

func (d *folder) replaceFrom(in *folder, tmp, base string, make func(in *folder, as string) error) error {
	err := make(in, tmp)
	if err == nil {
		err = d.rename(in, tmp, base)
	}
	// Renaming one name of a file to another of the same file does nothing.
	if rm := in.remove(tmp); err == nil {
		err = ignoreMissing(rm)
	}
	return err
}

// copyOut writes a copy or a clone of the object.
func (c *Cache) copyOut(ctx context.Context, in *folder, as string, e *hash.Entry, l Link) error {
	top, err := c.folder()
	if err != nil {
		return err
	}
	src, err := top.open(name(objects, e.Sum))
	if err != nil {
		return err
	}
	defer src.close()
	w, err := in.draft(path.Dir(as), fileMode(e.Kind))
	if err != nil {
		return err
	}
	if err := c.fillOut(ctx, w, src, e, l); err != nil {
		w.discard()
		return err
	}
	return w.commit(as, false)
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
		return w.clone(src)
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
	data := sized(buf, e.Size)
	if _, err := src.fill(data); err != nil && err != io.EOF {
		return err
	}
	if hash.Bytes(data) == e.Sum {
		return w.write(data)
	}
	return c.quarantine(objects, e.Sum)
}
