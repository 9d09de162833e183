package cache

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/xtrepro/xt/hash"
)

// linkFor returns Hardlink or Symlink if the file that i describes is to become
// a link to its object, and 0 if the workspace keeps a file of its own.
func (c *Cache) linkFor(i info) Link {
	if i.isExecutable() {
		return 0 // the object is not executable, and it is one with the link
	}
	for _, l := range c.links {
		switch {
		case l == Copy, l == Reflink && c.canClone():
			return 0
		case l == Symlink, l == Hardlink && c.near(i) && c.canLink():
			return l
		}
	}
	return 0
}

// near reports whether a file is on the cache's file system.
func (c *Cache) near(i info) bool {
	near := false
	err := c.inFolder(objects, func(top *folder) error {
		o, err := top.lstat(objects)
		near = err == nil && o.Dev == i.Dev
		return err
	})
	return err == nil && near
}

// canClone tries once whether the cache's file system can clone.
func (c *Cache) canClone() bool {
	c.probeClone.Do(func() {
		if isUnsupported(c.inFolder(temporary, tryClone)) {
			c.noReflink.Store(true)
		}
	})
	return !c.noReflink.Load()
}

// canLink tries once whether the cache's file system has hard links.
func (c *Cache) canLink() bool {
	c.probeLink.Do(func() { c.noHardlink.Store(c.inFolder(temporary, tryLink) != nil) })
	return !c.noHardlink.Load()
}

func tryLink(top *folder) error {
	w, err := top.draft(temporary, objectMode)
	if err != nil {
		return err
	}
	one, two := temporary+"/"+tempName(), temporary+"/"+tempName()
	if err := w.commit(one, false); err != nil {
		return err
	}
	defer top.remove(one)
	if err := top.link(top, one, two); err != nil {
		return err
	}
	return top.remove(two)
}

func tryClone(top *folder) error {
	from, err := top.draft(temporary, objectMode)
	if err != nil {
		return err
	}
	defer from.discard()
	if err := from.write(make([]byte, 1<<16)); err != nil {
		return err
	}
	to, err := top.draft(temporary, objectMode)
	if err != nil {
		return err
	}
	defer to.discard()
	return to.clone(from.source())
}

// adopt stores src and puts a link to the object in its place. The file itself
// becomes the object where that is possible, so nothing is copied.
//
// At each step the user's bytes have a name in the workspace, in the cache, or
// in both: first the object gets its name, then a link to it is renamed over
// the file in the workspace. A kill before that leaves the file as it was, but
// perhaps for its write permission. Where links are impossible, because a
// file has as many as it may have, src is not touched.
func (c *Cache) adopt(ctx context.Context, src *source, before info, link Link) (hash.Sum, error) {
	begun := time.Now()
	sum, _, err := hash.CopySum(ctx, nil, src.file())
	if err != nil {
		return sum, err
	}
	if err := src.unchanged(before); err != nil {
		return sum, err
	}
	had, err := c.hold(ctx, sum, before.Size)
	if had != held && err == nil {
		err = c.adoptBytes(ctx, src, before, sum, before.Racy(begun))
	}
	if err == nil {
		err = c.linkBack(src, before, sum, link)
	}
	if had != held && err == nil {
		c.seal(sum, before)
	}
	return sum, err
}

// adoptBytes makes src, whose digest is sum, an object; or a copy of it, which
// is then on the disk, because the file that it was copied from is about to go.
func (c *Cache) adoptBytes(ctx context.Context, src *source, before info, sum hash.Sum, racy bool) error {
	// Another name of the same file may be outside xt's sight and is not to
	// become read-only. And who may not change the mode does not own the file.
	// A file behind a symbolic link has a name there, perhaps that of another object.
	if before.links == 1 && !src.link && c.near(before) && c.canLink() && src.chmod(objectMode) == nil {
		return c.linkIn(ctx, src, before, sum, racy)
	}
	copied, err := c.copyIn(ctx, src, before)
	if err != nil {
		return err
	}
	if copied != sum {
		return src.errChanged()
	}
	return c.flush(name(objects, sum))
}

// linkIn gives the open file a second name in the cache. If a change might not
// show in its times, it is read once more.
func (c *Cache) linkIn(ctx context.Context, src *source, before info, sum hash.Sum, racy bool) error {
	rel := name(objects, sum)
	err := c.inFolder(rel[:len(objects)+3], func(top *folder) error { return src.linkTo(top, rel) })
	if errors.Is(err, fs.ErrExist) {
		return nil // someone else put the same bytes just now
	}
	if err != nil {
		return errors.Join(err, src.chmod(before.mode().Perm()))
	}
	// A program that had opened the file for writing still can.
	err = src.unchanged(before)
	if err == nil && racy {
		var again hash.Sum
		if again, _, err = hash.CopySum(ctx, nil, src.file()); err == nil && again != sum {
			err = src.errChanged()
		}
	}
	if err != nil {
		return errors.Join(err, src.chmod(before.mode().Perm()),
			c.inFolder(objects, func(top *folder) error { return top.remove(rel) }))
	}
	return nil
}

// linkBack puts a link to the object in the place of src.
func (c *Cache) linkBack(src *source, before info, sum hash.Sum, link Link) error {
	if c.isObject(before, sum) && (link == Symlink) == src.link {
		return nil
	}
	dir, err := openFolder(filepath.Dir(src.path))
	if err != nil {
		return err
	}
	defer dir.close()
	base := filepath.Base(src.path)
	err = c.replace(dir, base, func(in *folder, as string) error {
		if err := c.linkOut(in, as, sum, link); err != nil {
			return err
		}
		return dir.stillIs(base, src, before)
	})
	if isUnsupported(err) {
		return nil
	}
	return err
}

// stillIs fails unless base in d is the file src, or a link to it, and as it was
// when read.
func (d *folder) stillIs(base string, src *source, before info) error {
	now, err := d.lstat(base)
	if err == nil && now.mode()&fs.ModeSymlink != 0 {
		now, err = infoBehind(src.path)
	}
	if err == nil && (now.Ino != before.Ino || now.Size != before.Size || now.Mtime != before.Mtime) {
		err = src.errChanged()
	}
	return err
}

// infoBehind describes the file that the link at path leads to.
func infoBehind(path string) (info, error) {
	at, err := openSource(path)
	if err != nil {
		return info{}, err
	}
	defer at.close()
	return at.info()
}

// linkOut makes name in dir a link to the object.
func (c *Cache) linkOut(dir *folder, as string, sum hash.Sum, link Link) error {
	if link == Symlink {
		return dir.symlink(c.path(objects, sum), as)
	}
	top, err := c.folder()
	if err != nil {
		return err
	}
	return dir.link(top, name(objects, sum), as)
}

// isObject reports whether the file that i describes is the object itself.
func (c *Cache) isObject(i info, sum hash.Sum) bool {
	top, err := c.folder()
	if err != nil {
		return false
	}
	o, err := top.lstat(name(objects, sum))
	return err == nil && o.Ino == i.Ino && o.Dev == i.Dev
}

// flush waits until the file rel of the cache is on the disk.
func (c *Cache) flush(rel string) error {
	top, err := c.folder()
	if err != nil {
		return err
	}
	src, err := top.open(rel)
	if err != nil {
		return err
	}
	defer src.close()
	return src.file().Sync()
}
