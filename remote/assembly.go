package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// addChunks adds the chunks of big files to the wishes.
func (f *fetcher) addChunks(ctx context.Context, wishes []wish, big []hash.Sum) ([]wish, error) {
	recipes, err := f.load(ctx, big, pack.DataRecipe)
	if err != nil {
		return nil, err
	}
	for _, sum := range big {
		w := f.todo[sum]
		parts, err := f.chunks(ctx, sum, recipes[sum], w.Node.Size)
		if err != nil {
			return nil, err
		}
		more, err := f.receive(ctx, w, parts)
		if err != nil {
			return nil, err
		}
		wishes = append(wishes, more...)
	}
	return wishes, nil
}

// assembly is a big file on its way into the cache.
type assembly struct {
	f    *fetcher
	in   *cache.Incoming
	left atomic.Int64 // chunks that are still to come
}

// receive returns what is wanted of a big file.
func (f *fetcher) receive(ctx context.Context, w Want, parts []pack.Part) ([]wish, error) {
	in, begun, err := f.cache.Receive(w.Node.Sum, w.Node.Size)
	if err != nil {
		return nil, err
	}
	a := &assembly{f: f, in: in}
	offsets := map[hash.Sum][]int64{}
	var order []hash.Sum
	at := int64(0)
	for _, p := range parts {
		if offsets[p.Sum] == nil {
			order = append(order, p.Sum)
		}
		offsets[p.Sum] = append(offsets[p.Sum], at)
		at += p.Size
	}
	if begun {
		if err := a.dropPresent(ctx, parts, offsets); err != nil {
			return nil, err
		}
	}
	return a.wishes(ctx, w, order, offsets)
}

// wishes returns what is wanted of the chunks, and completes a file of which
// nothing is.
func (a *assembly) wishes(ctx context.Context, w Want, order []hash.Sum, offsets map[hash.Sum][]int64) ([]wish, error) {
	var wanted []hash.Sum
	for _, sum := range order {
		if len(offsets[sum]) > 0 {
			wanted = append(wanted, sum)
		}
	}
	found, err := a.f.locate(ctx, wanted, false)
	if err != nil {
		return nil, err
	}
	wishes := make([]wish, 0, len(wanted))
	for _, sum := range wanted {
		at, other, ok := choose(found[sum], pack.Data)
		if !ok {
			return nil, a.f.incomplete(w.Node.Sum)
		}
		wishes = append(wishes, wish{at: at, other: other, take: a.write(offsets[sum])})
	}
	a.left.Store(int64(len(wanted)))
	if len(wanted) == 0 {
		return nil, a.finish(ctx)
	}
	return wishes, nil
}

// dropPresent takes out of the offsets those where an earlier try has written
// what belongs there.
func (a *assembly) dropPresent(ctx context.Context, parts []pack.Part, offsets map[hash.Sum][]int64) error {
	f, err := a.in.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, pack.MaxBlob)
	at := int64(0)
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:p.Size]
		n, err := f.ReadAt(b, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == len(b) && !isBlank(b) && hash.Bytes(b) == p.Sum {
			offsets[p.Sum] = slices.DeleteFunc(offsets[p.Sum], func(off int64) bool { return off == at })
			a.f.done(0, p.Size)
		}
		at += p.Size
	}
	return nil
}

var blank [4096]byte

// isBlank reports whether b begins as a file does where nothing was written: then
// it is not worth the hashing.
func isBlank(b []byte) bool {
	n := min(len(b), len(blank))
	return n > 0 && bytes.Equal(b[:n], blank[:n])
}

// write returns what is to be done with the bytes of a chunk.
func (a *assembly) write(offsets []int64) func(ctx context.Context, raw []byte) error {
	return func(ctx context.Context, raw []byte) error {
		for _, off := range offsets {
			if err := a.in.WriteAt(raw, off); err != nil {
				return err
			}
			a.f.done(0, int64(len(raw)))
		}
		if a.left.Add(-1) > 0 {
			return nil
		}
		return a.finish(ctx)
	}
}

func (a *assembly) finish(ctx context.Context) error {
	err := a.in.Commit(ctx)
	if damaged := (*cache.DamagedError)(nil); errors.As(err, &damaged) {
		return errors.Join(&DamagedError{Remote: a.f.r.opts.Name, What: "the recipe of " + damaged.Sum.Short()}, err)
	}
	if err == nil {
		a.f.done(1, 0)
	}
	return err
}
