package hash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// leaf is the job of reading one file or link. Its record has a Node already
// if the content is known and only has to be in the store.
type leaf struct {
	top *top
	in  *dirJob // nil for the path that was asked for
	abs string  // empty if in is set
	rec *Record
}

func (l *leaf) path() string {
	if l.in == nil {
		return l.abs
	}
	return l.in.abs + string(filepath.Separator) + l.rec.Name
}

func (l *leaf) run(w *worker) {
	if l.top.failed() {
		return
	}
	if err := l.top.identify(w.ctx, l.path(), l.rec); err != nil {
		l.top.fail(err)
		return
	}
	if l.in == nil {
		l.top.leafDone(l.rec)
		return
	}
	l.in.release()
}

// identify completes the record of the file or link at path, and sees that its
// content is stored.
func (s *scan) identify(ctx context.Context, path string, rec *Record) error {
	err := s.look(ctx, path, rec)
	if !errors.Is(err, ErrChanged) {
		return err
	}
	// Another process may have put a link to the stored file there meanwhile: it is
	// looked at anew, as whatever it is now.
	rec.Node = Node{}
	if rec.Stat, _, err = StatOf(path); err != nil {
		return vanished(path, err)
	}
	return s.look(ctx, path, rec)
}

// look is one try of identify.
func (s *scan) look(ctx context.Context, path string, rec *Record) error {
	known := !rec.Node.IsZero()
	if !known && rec.Stat.kind() == Symlink {
		var err error
		if known, err = s.readLink(path, rec); err != nil {
			return err
		}
	}
	if known && (s.store == nil || rec.Node.Kind == Symlink || s.store.HasFile(rec.Node)) {
		return nil
	}
	return s.readFile(ctx, path, rec)
}

// vanished turns the error that nothing is at path, which was there a moment
// ago, into one that does not read as if there had never been anything.
func vanished(path string, err error) error {
	if missing(err) {
		return changedError(path)
	}
	return err
}

// bigFile is the size in bytes from which a file is worth waiting for, if that
// spares reading it the next time.
const bigFile = 16 << 20

// readFile reads the file that rec.Stat is of, and stores it.
func (s *scan) readFile(ctx context.Context, path string, rec *Record) error {
	if k := rec.Stat.kind(); k != File && k != Executable && rec.Node.IsZero() {
		return changedError(path)
	}
	if rec.Stat.Size >= bigFile {
		waitSettled(ctx, rec.Stat)
	}
	read := FileSum
	if s.store != nil {
		read = s.store.PutFile
	}
	begun := time.Now()
	sum, size, err := read(ctx, path)
	if err != nil {
		return vanished(path, err)
	}
	if s.OnFile != nil {
		s.OnFile(size)
	}
	kind := rec.Stat.kind()
	if kind == Symlink {
		kind = rec.Node.Kind // a link to a stored file keeps the file's kind
	}
	rec.Node = Node{Kind: kind, Sum: sum, Size: size}
	rec.Racy = rec.Stat.Racy(begun) || rec.Stat.kind() == Symlink
	if s.store == nil {
		return nil
	}
	return s.checkPut(path, rec)
}

// waitSettled waits until reading the file yields a digest that can be trusted
// later, if that is a moment only.
func waitSettled(ctx context.Context, st Stat) {
	wait := time.Until(st.Settled())
	if wait <= 0 || wait > 2*Tick {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait + time.Millisecond):
	}
}

// checkPut looks again at a file that the store has read. If it is not what it
// was, either the store put a link there, or somebody changed it.
func (s *scan) checkPut(path string, rec *Record) error {
	now, err := lstat(path)
	if err != nil {
		return vanished(path, err)
	}
	if now.Same(rec.Stat) {
		return nil
	}
	if !s.isObject(path, now, rec.Node.Sum) {
		return changedError(path)
	}
	rec.Stat = now
	s.trust(rec)
	return nil
}

// isObject reports whether what stands at path is the stored file sum: the same
// inode, or a link to it.
func (s *scan) isObject(path string, st Stat, sum Sum) bool {
	if st.kind() == Symlink {
		n, _, err := s.linked(path)
		return err == nil && n.Sum == sum
	}
	obj, err := lstat(s.object(sum))
	return err == nil && st.Ino != 0 && obj.Ino == st.Ino && obj.Dev == st.Dev
}

// object is where the stored file sum is, if it is.
func (s *scan) object(sum Sum) string {
	hex := sum.String()
	return filepath.Join(s.Objects, hex[:2], hex[2:])
}

// readLink completes the record of a link: to a stored file, which is the file
// itself in another form, or to anything. What a stored file is that was written
// to is not known: it has to be read.
func (s *scan) readLink(path string, rec *Record) (known bool, err error) {
	begun := time.Now()
	n, sealed, err := s.linked(path)
	if err == nil {
		rec.Node, rec.Racy = n, true // the link's own Stat says nothing of the file
		return sealed, nil
	}
	target, err := os.Readlink(path)
	if err != nil {
		return false, vanished(path, err)
	}
	rec.Node = Node{Kind: Symlink, Sum: Bytes([]byte(target)), Size: int64(len(target)), Target: target}
	rec.Racy = rec.Stat.Racy(begun)
	return true, nil
}

// linked returns the stored file that the link at path points to, and whether it
// is [Stat.Sealed], without which it may not be what its name says. It is an
// error if the link points elsewhere, or to a file that is not there.
func (s *scan) linked(path string) (n Node, sealed bool, err error) {
	if s.Objects == "" {
		return Node{}, false, fs.ErrNotExist
	}
	target, err := os.Readlink(path)
	if err != nil {
		return Node{}, false, err
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(path), target)
	}
	dir, base := filepath.Split(target)
	sum, err := ParseSum(filepath.Base(dir) + base)
	if err != nil {
		return Node{}, false, err
	}
	st, err := lstat(target)
	if err != nil {
		return Node{}, false, err
	}
	if object := s.object(sum); target != object {
		// Compared as files, for there may be several names of the same folder.
		obj, err := lstat(object)
		if err != nil {
			return Node{}, false, err
		}
		if obj.Ino == 0 || obj.Ino != st.Ino || obj.Dev != st.Dev {
			return Node{}, false, fs.ErrNotExist
		}
	}
	if k := st.kind(); k == File || k == Executable {
		return Node{Kind: k, Sum: sum, Size: st.Size}, st.Sealed(), nil
	}
	return Node{}, false, fs.ErrInvalid
}

func changedError(path string) error { return fmt.Errorf("read %s: %w", path, ErrChanged) }
