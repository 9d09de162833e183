package hash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

// top is a path that was asked for. As a job it looks at what stands there.
type top struct {
	*scan
	rel  string
	node atomic.Pointer[Node]
	err  atomic.Pointer[error]
}

// fail notes the first error, which ends the work on the path.
func (t *top) fail(err error) { t.err.CompareAndSwap(nil, &err) }

func (t *top) failed() bool { return t.err.Load() != nil }

func (t *top) result(ctx context.Context) Result {
	if err := t.err.Load(); err != nil {
		return Result{Err: *err}
	}
	if n := t.node.Load(); n != nil {
		return Result{Node: *n}
	}
	return Result{Err: context.Cause(ctx)}
}

func (t *top) run(w *worker) {
	abs, st, err := t.locate()
	if err != nil {
		t.fail(err)
		return
	}
	if st.kind() != Directory {
		t.runFile(w, abs, st)
		return
	}
	rules, err := t.rulesAbove()
	if err != nil {
		t.fail(err)
		return
	}
	d := &dirJob{top: t, abs: abs, rel: t.rel, rules: rules}
	if t.rel != "." {
		d.parts = strings.Split(t.rel, "/")
	}
	d.run(w)
}

// locate returns what stands at the path and where it is, following links
// unless they are links to stored files.
func (t *top) locate() (abs string, st Stat, err error) {
	if !filepath.IsLocal(filepath.FromSlash(t.rel)) {
		return "", Stat{}, fmt.Errorf("scan %s: the path leads out of %s", t.rel, t.Root)
	}
	t.rel = path.Clean(t.rel)
	abs = filepath.Join(t.Root, filepath.FromSlash(t.rel))
	if st, err = lstat(abs); err != nil {
		return abs, st, err
	}
	if st.kind() == Symlink {
		abs, st, err = t.follow(abs, st)
	}
	if err == nil && st.kind() == 0 {
		err = unsupported(abs, st)
	}
	return abs, st, err
}

func (t *top) follow(link string, st Stat) (string, Stat, error) {
	if _, _, err := t.linked(link); err == nil {
		return link, st, nil
	}
	st, err := stat(link)
	if errors.Is(err, syscall.ELOOP) {
		return "", st, &UnsupportedError{Path: link, What: "a symbolic link that leads back to itself"}
	}
	if err != nil {
		return "", st, err
	}
	abs, err := filepath.EvalSymlinks(link)
	return abs, st, err
}

// rulesAbove reads the ignore files of the directories above the path.
func (t *top) rulesAbove() (*ignoreRules, error) {
	rules := t.rules
	if t.rel == "." {
		return rules, nil
	}
	abs := t.Root
	for depth, name := range strings.Split(t.rel, "/") {
		var err error
		if rules, err = rules.addFile(filepath.Join(abs, IgnoreFile), depth); err != nil {
			return nil, err
		}
		abs = filepath.Join(abs, name)
	}
	return rules, nil
}

// runFile reads a single file or link if the index does not know it.
func (t *top) runFile(w *worker, abs string, st Stat) {
	l := &leaf{top: t, abs: abs, rec: &Record{Name: path.Base(t.rel), Stat: st}}
	if t.Index != nil {
		if old, ok := t.Index.File(t.rel); ok && !old.Racy && old.Stat.Same(st) {
			l.rec.Node = old.Node
		}
	}
	if l.rec.Node.IsZero() || t.store != nil {
		w.read(l)
		return
	}
	t.node.Store(&l.rec.Node)
}

// leafDone records a single file.
func (t *top) leafDone(rec *Record) {
	if t.Index != nil {
		t.Index.SetFile(t.rel, *rec)
	}
	t.node.Store(&rec.Node)
}

// missing reports whether err says that what was there a moment ago is no
// longer there, or something else.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}
