package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/xtrepro/xt/hash"
)

var _ hash.Store = (*Cache)(nil)

// smallFile is the size in bytes up to which a file is read into memory. Its
// digest is then known before anything is written, and what the cache has
// already is not written again.
const smallFile = 1 << 20

// cloneFrom is the size in bytes from which files are cloned rather than
// copied, where they can be. A clone has to wait for the source's dirty pages
// to be written: on XFS one of a fresh 16 KiB file takes 160 µs, a copy 45; from
// 64 KiB on the blocks that are shared are worth it. Besides, copies are
// checked on the way.
const cloneFrom = 64 << 10

// PutFile stores the regular file, whose path is absolute, reading it once, and returns its
// digest and size in bytes. If the cache is to share files with the workspace,
// a read-only link to the object takes the file's place. The error wraps
// [hash.ErrChanged] if the file changed meanwhile.
func (c *Cache) PutFile(ctx context.Context, file string) (hash.Sum, int64, error) {
	if err := ctx.Err(); err != nil {
		return hash.Sum{}, 0, err
	}
	src, err := openSource(file)
	if err != nil {
		return hash.Sum{}, 0, err
	}
	defer src.close()
	before, err := src.regular()
	if err != nil {
		return hash.Sum{}, 0, err
	}
	var sum hash.Sum
	if link := c.linkFor(before); link != 0 {
		sum, err = c.adopt(ctx, src, before, link)
	} else {
		sum, err = c.copyIn(ctx, src, before)
	}
	return sum, before.Size, err
}

// regular describes s, which must be a regular file.
func (s *source) regular() (info, error) {
	i, err := s.info()
	if err == nil && !i.isRegular() {
		err = fmt.Errorf("%s: not a regular file", s.path)
	}
	return i, err
}

// copyIn stores a copy or clone of src.
func (c *Cache) copyIn(ctx context.Context, src *source, before info) (hash.Sum, error) {
	if before.Size <= cloneFrom || before.Size <= smallFile && !c.clones() {
		return c.copySmall(ctx, src, before)
	}
	return c.copyBig(ctx, src, before)
}

// clones reports whether clones are wanted and possible within the cache's file
// system.
func (c *Cache) clones() bool { return c.links[0] == Reflink && c.canClone() }

// buffers holds *[]byte for copySmall; they grow to what is needed.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func (c *Cache) copySmall(ctx context.Context, src *source, before info) (hash.Sum, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	data, err := src.readAll(buf, before)
	if err != nil {
		return hash.Sum{}, err
	}
	sum := hash.Bytes(data)
	had, err := c.hold(ctx, sum, before.Size)
	if had == held || err != nil {
		return sum, err
	}
	rel := name(objects, sum)
	return sum, c.inFolder(path.Dir(rel), func(top *folder) error {
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

// readAll reads a file that was and is as before says.
func (s *source) readAll(buf *[]byte, before info) ([]byte, error) {
	data := sized(buf, before.Size)
	n, err := s.fill(data)
	if err == io.EOF && n < len(data) {
		return nil, s.errChanged()
	}
	if err != nil {
		return nil, err
	}
	return data, s.unchanged(before) // or it would have grown
}

// sized returns *buf with n bytes, after growing it if need be.
func sized(buf *[]byte, n int64) []byte {
	if int64(cap(*buf)) < n {
		*buf = make([]byte, max(n, 64<<10))
	}
	return (*buf)[:n]
}

// unchanged returns hash.ErrChanged if s is not as before says.
func (s *source) unchanged(before info) error {
	after, err := s.info()
	if err == nil && (after.Size != before.Size || after.Mtime != before.Mtime) {
		err = s.errChanged()
	}
	return err
}

func (s *source) errChanged() error { return fmt.Errorf("read %s: %w", s.path, hash.ErrChanged) }

// copyBig writes to a draft first, because only then the digest is known.
func (c *Cache) copyBig(ctx context.Context, src *source, before info) (sum hash.Sum, err error) {
	err = c.inFolder(temporary, func(top *folder) error {
		w, err := c.draft(top, temporary, objectMode)
		if err != nil {
			return err
		}
		if sum, err = c.fillBig(ctx, w, src, before); err != nil {
			w.discard()
			return err
		}
		had, err := c.hold(ctx, sum, before.Size)
		rel := name(objects, sum)
		if had != held && err == nil {
			err = c.makeFolder(path.Dir(rel))
		}
		if had == held || err != nil {
			w.discard()
			return err
		}
		return c.commitObject(top, w, rel, had)
	})
	if isReadOnly(err) {
		// Nothing can be stored, but perhaps nothing need be.
		is, _, sumErr := hash.CopySum(ctx, nil, src.file())
		if had, err := c.hold(ctx, is, before.Size); had == held && err == nil && sumErr == nil {
			return is, nil
		}
	}
	return sum, err
}

// commitObject gives w the name rel of an object of which the cache had what
// had says. What another process has put there meanwhile stays: files in
// workspaces may be linked to it.
func (c *Cache) commitObject(top *folder, w *draft, rel string, had possession) error {
	err := w.commit(rel, had == stale)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		_ = top.touch(rel, hash.SealTime(c.now())) // or it is read again: see [Cache.seal]
	}
	return err
}

// fillBig clones src if that is wanted and possible. Then the clone is read,
// so that whoever writes to src meanwhile cannot spoil the object.
func (c *Cache) fillBig(ctx context.Context, w *draft, src *source, before info) (hash.Sum, error) {
	if c.clones() {
		err := w.clone(src)
		if err == nil {
			sum, _, err := hash.CopySum(ctx, nil, w.file())
			return sum, errors.Join(err, src.unchanged(before))
		}
		if !isUnsupported(err) {
			return hash.Sum{}, err
		}
	}
	sum, n, err := hash.CopySum(ctx, w.file(), src.file())
	if err == nil && n != before.Size {
		err = src.errChanged()
	}
	return sum, err
}
