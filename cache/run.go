package cache

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// PutRun remembers that the fingerprint led to outs, in place of what was
// known of it. It costs one small file, which is not flushed to the disk: an
// entry that a power cut spoils is a miss.
func (c *Cache) PutRun(fp hash.Fingerprint, outs []lock.Item) error {
	return c.save(name(runs, hash.Sum(fp)), encodeRun(fp, outs), c.notePerm())
}

// Run returns the outputs that the fingerprint led to, all of which are in the
// cache. The error is a [*MissError] if there is no such answer.
func (c *Cache) Run(fp hash.Fingerprint) ([]lock.Item, error) {
	miss := func(format string, args ...any) ([]lock.Item, error) {
		return nil, &MissError{Fingerprint: fp, Reason: fmt.Sprintf(format, args...)}
	}
	rel := name(runs, hash.Sum(fp))
	b, err := c.read(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return miss("never run with these inputs")
	}
	if err != nil {
		return miss("%v", err)
	}
	outs, err := ParseRun(fp, b)
	if err != nil {
		return miss("the entry is damaged: %v", err)
	}
	for _, out := range outs {
		if !c.hasNode(out.Node) {
			return miss("output %s is no longer in the cache", out.Path)
		}
	}
	if top, err := c.folder(); err == nil {
		if i, err := top.lstat(rel); err == nil {
			c.refresh(rel, i)
		}
	}
	return outs, nil
}

// RunText returns what is known of the fingerprint as [Cache.PutRunText] takes it,
// and the outputs in it, which need not be in the cache. The error is a
// [*MissError] if nothing is known.
func (c *Cache) RunText(fp hash.Fingerprint) ([]byte, []lock.Item, error) {
	b, err := c.read(name(runs, hash.Sum(fp)))
	var outs []lock.Item
	if err == nil {
		outs, err = ParseRun(fp, b)
	}
	if err != nil {
		return nil, nil, &MissError{Fingerprint: fp, Reason: err.Error()}
	}
	return b, outs, nil
}

// PutRunText remembers an entry that came from elsewhere, unless something is
// known of the fingerprint. What is not such an entry is an error.
func (c *Cache) PutRunText(fp hash.Fingerprint, text []byte) error {
	if _, err := ParseRun(fp, text); err != nil {
		return fmt.Errorf("run cache: %s: %w", fp.Short(), err)
	}
	if _, _, err := c.RunText(fp); err == nil {
		return nil
	}
	return c.save(name(runs, hash.Sum(fp)), text, c.notePerm())
}

// ForgetRun drops what is known of the fingerprint.
func (c *Cache) ForgetRun(fp hash.Fingerprint) error {
	top, err := c.folder()
	if err == nil {
		err = top.remove(name(runs, hash.Sum(fp)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return c.explain(err)
}
