package remote

import (
	"context"
	"fmt"
	"io"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// readAll reads the list in order.
func (u *upload) readAll(ctx context.Context, list []sending) error {
	buf := &chunkReader{u: u}
	for i := range list {
		if err := u.readOne(ctx, &list[i], buf); err != nil {
			return err
		}
	}
	return nil
}

func (u *upload) readOne(ctx context.Context, s *sending, buf *chunkReader) error {
	switch {
	case s.kind == pack.Tree:
		return u.readTree(ctx, s, buf)
	case s.kind == pack.Run:
		return u.pass(ctx, &blob{kind: pack.Run, sum: s.sum, content: s.text})
	case s.size <= pack.WholeFile:
		read := func(ctx context.Context) ([]byte, error) { return u.readFile(s.sum, s.size) }
		return u.pass(ctx, &blob{kind: pack.Data, sum: s.sum, path: s.path, read: read})
	}
	f, err := u.cache.OpenFile(s.sum)
	if err != nil {
		return u.lost(ctx, s, err)
	}
	defer f.Close()
	c := &cutting{kind: pack.DataRecipe, sum: s.sum, path: s.path, whole: new(hash.Stream)}
	return buf.cut(ctx, c, f)
}

// pass hands a blob on.
func (u *upload) pass(ctx context.Context, b *blob) error {
	b.ready = make(chan struct{})
	select {
	case u.queue <- b:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case u.work <- b:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lost notes something that the cache turned out not to have.
func (u *upload) lost(ctx context.Context, s *sending, err error) error {
	return u.pass(ctx, &blob{kind: s.kind, sum: s.sum, path: s.path, err: err})
}

func (u *upload) readFile(sum hash.Sum, size int64) ([]byte, error) {
	f, err := u.cache.OpenFile(sum)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return b, nil
}

// readTree passes a listing on, or cuts it where it is long.
func (u *upload) readTree(ctx context.Context, s *sending, buf *chunkReader) error {
	t, err := u.cache.Tree(s.sum)
	if err != nil {
		return u.lost(ctx, s, err)
	}
	text := t.Encode()
	whole := func(context.Context) error {
		for i := range t {
			if u.bad[t[i].Sum] {
				u.bad[s.sum] = true
			}
		}
		return nil
	}
	if err := u.pass(ctx, &blob{after: whole}); err != nil {
		return err
	}
	if len(text) <= pack.MaxChunk {
		return u.pass(ctx, &blob{kind: pack.Tree, sum: s.sum, path: s.path, content: text})
	}
	c := &cutting{kind: pack.TreeRecipe, sum: s.sum, path: s.path, whole: new(hash.Stream)}
	return buf.cutBytes(ctx, c, text)
}

// digest is a worker: it names blobs and compresses them.
func (u *upload) digest(ctx context.Context) error {
	for b := range u.work {
		if b.err == nil && b.after == nil {
			b.err = u.digestOne(ctx, b)
		}
		close(b.ready)
	}
	return nil
}

func (u *upload) digestOne(ctx context.Context, b *blob) error {
	if b.read != nil {
		var err error
		if b.content, err = b.read(ctx); err != nil {
			return err
		}
	}
	if b.kind == pack.Data || b.kind == pack.Tree || b.kind == pack.Piece {
		sum := hash.Bytes(b.content)
		switch {
		case b.sum.IsZero():
			b.sum = sum
		case b.sum != sum:
			return u.spoiled(ctx, b.sum)
		}
	}
	if b.cut != nil && b.kind == pack.Data {
		found, err := u.locate(ctx, []hash.Sum{b.sum}, true)
		if err != nil {
			return err
		}
		l, ok := pick(found[b.sum], pack.Data)
		if b.known = ok; ok {
			u.count(l)
			return nil
		}
	}
	raw := pack.Raw(b.kind, b.content)
	b.raw = len(raw)
	b.stored = pack.Compress(nil, raw)
	return nil
}

// spoiled finds out what is wrong with an object that did not have the digest of
// its name, and moves it aside.
func (u *upload) spoiled(ctx context.Context, sum hash.Sum) error {
	if err := u.cache.Verify(ctx, sum); err != nil {
		return err
	}
	return fmt.Errorf("object %s changed while it was read", sum.Short())
}
