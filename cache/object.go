package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/xtrepro/xt/hash"
)

// refreshEvery is how old the last use of an object may look before a new use
// is recorded in its modification time. [Cache.GC] adds it to its grace, so
// that what is in use is never taken for garbage; an hour saves nearly all of
// the writes, as in Go's build cache.
const refreshEvery = time.Hour

// HasFile reports whether the bytes of the file n are stored. What it reports
// is safe from garbage collection for the grace of [Cache.GC].
func (c *Cache) HasFile(n hash.Node) bool {
	had, err := c.hold(context.Background(), n.Sum, n.Size)
	return had == held && err == nil
}

// possession is what the cache has of an object that someone wants to put.
type possession int

const (
	absent possession = iota // nothing
	stale                    // the object, but GC may take it and it cannot be told not to
	held                     // the object, safe from GC
)

// hold is present for a caller who counts on the object from now on. A damaged
// one is absent if it could be moved out of the way.
func (c *Cache) hold(ctx context.Context, sum hash.Sum, size int64) (possession, error) {
	i, err := c.present(ctx, sum, size)
	if damaged := (*DamagedError)(nil); errors.As(err, &damaged) {
		i, err = c.present(ctx, sum, size)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent, nil
	case err != nil:
		return absent, err
	case !c.refresh(name(objects, sum), i):
		return stale, nil
	}
	return held, nil
}

// present returns what lstat says of the object sum. If size is not negative,
// the object must have that many bytes. The error wraps fs.ErrNotExist if the
// cache lacks the object, and is a [*DamagedError] if its bytes were wrong.
//
// An object that is as big as it should be and that is sealed is taken for
// good: reading each before each use would double the cost of a checkout. Any
// other is read first.
func (c *Cache) present(ctx context.Context, sum hash.Sum, size int64) (info, error) {
	top, err := c.folder()
	if err != nil {
		return info{}, err
	}
	i, err := top.lstat(name(objects, sum))
	if err != nil {
		return info{}, err
	}
	if i.Sealed() && (i.Size == size || size < 0) {
		return i, nil
	}
	if i, err = c.repair(ctx, sum, i); err != nil {
		return info{}, err
	}
	if size >= 0 && i.Size != size {
		return info{}, fmt.Errorf("object %s has %d bytes, not %d: who asks for it has a wrong listing", sum.Short(), i.Size, size)
	}
	return i, nil
}

// repair reads a suspicious object. A good one is sealed again, and described
// anew; a bad one goes to the quarantine.
func (c *Cache) repair(ctx context.Context, sum hash.Sum, i info) (info, error) {
	top, err := c.folder()
	if err != nil {
		return i, err
	}
	if i.isRegular() {
		is, err := c.digest(ctx, objects, sum)
		if err != nil {
			return i, err
		}
		if is == sum {
			c.seal(sum, i)
			return top.lstat(name(objects, sum))
		}
	}
	return i, c.quarantine(objects, sum)
}

// seal marks the object, which was good when i described it or the file that it
// was made of, as one that need not be read before it is used: see
// [hash.Stat.Sealed]. If that fails all that is lost is the time to read it again.
func (c *Cache) seal(sum hash.Sum, i info) {
	top, err := c.folder()
	if err != nil {
		return
	}
	rel := name(objects, sum)
	now, err := top.lstat(rel)
	if err != nil || now.Mtime != i.Mtime || now.Size != i.Size {
		return
	}
	if !now.isWritable() || top.chmod(rel, objectMode) == nil {
		_ = top.touch(rel, hash.SealTime(c.now()))
	}
}

// digest reads what is stored under sum.
func (c *Cache) digest(ctx context.Context, kind string, sum hash.Sum) (hash.Sum, error) {
	top, err := c.folder()
	if err != nil {
		return hash.Sum{}, err
	}
	src, err := top.open(name(kind, sum))
	if err != nil {
		return hash.Sum{}, err
	}
	defer src.close()
	is, _, err := hash.CopySum(ctx, nil, src.file())
	return is, err
}

// Verify reads the object sum and compares it with its name. The error wraps
// fs.ErrNotExist if it is not there, and is a [*DamagedError] if its bytes are
// wrong, which are then in the quarantine.
func (c *Cache) Verify(ctx context.Context, sum hash.Sum) error {
	is, err := c.digest(ctx, objects, sum)
	if err == nil && is != sum {
		err = c.quarantine(objects, sum)
	}
	return err
}

// OpenFile opens the object sum for reading. The error wraps fs.ErrNotExist if
// the cache lacks it.
func (c *Cache) OpenFile(sum hash.Sum) (*os.File, error) {
	if _, err := c.present(context.Background(), sum, -1); err != nil {
		return nil, err
	}
	return os.Open(c.path(objects, sum))
}

// refresh records that what is stored as rel is in use, unless that was done
// lately. It reports whether that was possible: in a cache that belongs to
// several users only the owner may do it, and who cannot must store it anew.
func (c *Cache) refresh(rel string, i info) bool {
	now := c.now()
	if now.Sub(i.lastUse()) < refreshEvery {
		return true
	}
	top, err := c.folder()
	if err != nil {
		return false
	}
	if i.Sealed() {
		now = hash.SealTime(now)
	}
	err = top.touch(rel, now)
	// Whoever cannot write here must do with what is there.
	return err == nil || !c.group && !errors.Is(err, fs.ErrNotExist)
}

// quarantine moves what is stored under sum aside and returns a *DamagedError.
// It never deletes: wrong bytes may be a user's edit made through a link.
func (c *Cache) quarantine(kind string, sum hash.Sum) error {
	damaged := &DamagedError{Sum: sum}
	if err := c.markIncomplete(); err != nil {
		return errors.Join(damaged, err)
	}
	to := quarantined + "/" + kind + "-" + sum.String() + "-" + tempName()[len(tempPrefix):]
	if err := c.makeFolder(quarantined); err != nil {
		return errors.Join(damaged, c.explain(err))
	}
	top, err := c.folder()
	if err == nil {
		err = top.rename(top, name(kind, sum), to)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return damaged // another process was faster
	}
	if err != nil {
		return errors.Join(damaged, c.explain(err))
	}
	damaged.Moved = c.dir + "/" + to
	return damaged
}
