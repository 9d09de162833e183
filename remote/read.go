package remote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
	"github.com/xtrepro/xt/remote/store"
)

// wish is a blob that is wanted.
type wish struct {
	at    pack.Location
	other []pack.Location // where it is as well
	take  func(ctx context.Context, raw []byte) error
	spare bool // where it is damaged, the caller does without it
}

// span is a stretch of a pack that is read at once.
type span struct {
	pack     hash.Sum
	size     int64 // of the pack
	off, end int64
	wishes   []wish // inside it
}

// What lies less than spanGap bytes apart is read at once, up to spanSize bytes.
const (
	spanGap  = 128 << 10
	spanSize = 16 << 20
)

// spans returns the stretches to read for the wishes.
func spans(wishes []wish) []*span {
	slices.SortFunc(wishes, func(a, b wish) int {
		return cmp.Or(bytes.Compare(a.at.Pack[:], b.at.Pack[:]), cmp.Compare(a.at.Offset, b.at.Offset))
	})
	var all []*span
	var last *span
	for _, w := range wishes {
		off := int64(w.at.Offset)
		end := off + int64(w.at.Length)
		if last == nil || last.pack != w.at.Pack || off > last.end+spanGap || end-last.off > spanSize {
			last = &span{pack: w.at.Pack, size: w.at.Size, off: off, end: end}
			all = append(all, last)
		}
		last.end = max(last.end, end)
		last.wishes = append(last.wishes, w)
	}
	return all
}

// grant reads the blobs and hands them out, from several goroutines.
func (r *Remote) grant(ctx context.Context, wishes []wish) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.opts.Jobs)
	for _, s := range spans(wishes) {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return r.grantSpan(gctx, s) })
	}
	return cmp.Or(g.Wait(), ctx.Err())
}

func (r *Remote) grantSpan(ctx context.Context, s *span) error {
	b := make([]byte, s.end-s.off)
	broken := r.readPack(ctx, s.pack, s.size, s.off, b)
	if broken != nil && !isLoss(ctx, broken) {
		return broken
	}
	for i := range s.wishes {
		w := &s.wishes[i]
		at := int64(w.at.Offset) - s.off
		raw, err := []byte(nil), broken
		if err == nil {
			raw, err = pack.Decode(&w.at.Entry, b[at:at+int64(w.at.Length)])
		}
		if err != nil {
			raw, err = r.again(ctx, w, err)
		}
		if damaged := (*DamagedError)(nil); w.spare && errors.As(err, &damaged) {
			r.logf("%v", damaged)
			continue
		}
		if err == nil {
			err = w.take(ctx, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// again reads a blob that came damaged: once more, since it may have happened on
// the way, and then in other packs that have it.
func (r *Remote) again(ctx context.Context, w *wish, damage error) ([]byte, error) {
	for _, at := range append([]pack.Location{w.at}, w.other...) {
		b := make([]byte, at.Length)
		err := r.readPack(ctx, at.Pack, at.Size, int64(at.Offset), b)
		if err == nil {
			var raw []byte
			if raw, err = pack.Decode(&at.Entry, b); err == nil {
				return raw, nil
			}
		}
		if !isLoss(ctx, err) {
			return nil, err
		}
	}
	if errors.Is(damage, fs.ErrNotExist) {
		return nil, damage // it may have been moved to another pack meanwhile
	}
	what := fmt.Sprintf("%s %s in %s", w.at.Kind, w.at.Sum.Short(), packKey(w.at.Pack))
	return nil, &DamagedError{Remote: r.opts.Name, What: what, Err: damage}
}

// isLoss reports whether an error says that a pack is not what the index says of
// it, rather than that it could not be read now.
func isLoss(ctx context.Context, err error) bool {
	e := (*store.Error)(nil)
	return ctx.Err() == nil && (!errors.As(err, &e) || e.Kind == store.NotFound || errors.Is(err, store.ErrShort))
}

// readPack fills p with what a pack of size bytes has from offset off, before
// encryption.
func (r *Remote) readPack(ctx context.Context, name hash.Sum, size, off int64, p []byte) error {
	switch {
	case len(p) == 0:
		return nil
	case r.keys == nil:
		return r.store.Read(ctx, packKey(name), off, p)
	}
	src, err := r.openSealed(ctx, packKey(name), size, off, int64(len(p)))
	if err == nil {
		_, err = src.ReadAt(p, off)
		if errors.Is(err, io.EOF) {
			err = nil // p ends where the pack does
		}
	}
	if err != nil {
		return fmt.Errorf("remote %s: decrypt %s: %w", r.opts.Name, packKey(name), err)
	}
	return nil
}

// openSealed reads what of an encrypted file is needed for n bytes at offset off
// of what it was made of: the header, the last chunk, which proves where the end
// is, and the chunks in question.
func (r *Remote) openSealed(ctx context.Context, key string, size, off, n int64) (io.ReaderAt, error) {
	head := make([]byte, min(size, maxSealedHeader))
	if err := r.store.Read(ctx, key, 0, head); err != nil {
		return nil, err
	}
	header, err := age.ExtractHeader(bytes.NewReader(head))
	if err != nil {
		return nil, err
	}
	const chunk = sealedChunk + sealedExtra
	begin := int64(len(header)) + sealedNonce
	count := (size - begin + chunk - 1) / chunk
	if count < 1 {
		return nil, io.ErrUnexpectedEOF
	}
	w := window{{0, head}}
	first, last := off/sealedChunk, (off+n-1)/sealedChunk
	if last >= count-2 {
		last = count - 1
	}
	parts := [][2]int64{{begin + first*chunk, min(begin+(last+1)*chunk, size)}}
	if last < count-1 {
		parts = append(parts, [2]int64{begin + (count-1)*chunk, size})
	}
	for _, part := range parts {
		if part[0] >= part[1] {
			return nil, io.ErrUnexpectedEOF
		}
		b := make([]byte, part[1]-part[0])
		if err := r.store.Read(ctx, key, part[0], b); err != nil {
			return nil, err
		}
		w = append(w, stretch{part[0], b})
	}
	src, _, err := age.DecryptReaderAt(w, size, r.keys.identity)
	return src, err
}

// window is those stretches of something that were read.
type window []stretch

type stretch struct {
	off int64
	b   []byte
}

// ReadAt implements [io.ReaderAt] for what lies inside one of the stretches.
func (w window) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for _, s := range w {
		if off >= s.off && off < s.off+int64(len(s.b)) {
			n = max(n, copy(p, s.b[off-s.off:]))
		}
	}
	if n < len(p) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}
