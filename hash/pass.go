package hash

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash/internal/blake3tree"
)

const segmentSize = blake3tree.SegmentSize

// pass is one reading of a file from offset 0 to size. Its goroutines take
// segment after segment, in the order that a disk likes; the tree puts them
// together.
type pass struct {
	src, dst *os.File // dst gets a copy; may be nil
	size     int64
	next     atomic.Int64 // the segment to take next
	tree     blake3tree.Tree
	// writing is held during a write: the kernel has a lock of that kind for
	// each file anyhow, but spins on it.
	writing sync.Mutex
}

// run reads the file and returns its digest. The last segment completes the
// tree, so it comes after all the others.
func (p *pass) run(ctx context.Context) (Sum, error) {
	last := max(0, p.size-1) / segmentSize
	if err := p.allBefore(ctx, last); err != nil {
		return Sum{}, err
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	data := s.buf[:p.size-last*segmentSize]
	if err := p.transfer(data, last); err != nil {
		return Sum{}, err
	}
	return Sum(p.tree.Sum(s.hasher, last, data)), nil
}

// allBefore reads the segments before the last one.
func (p *pass) allBefore(ctx context.Context, last int64) error {
	if last == 0 {
		return ctx.Err()
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for range min(last, int64(p.workers())) {
		group.Go(func() error { return p.segments(groupCtx, last) })
	}
	return group.Wait()
}

// workers is how many goroutines read one big file. Only one at a time can
// write to it, and what two others read and hash keeps that one busy.
func (p *pass) workers() int {
	n := cap(slots)
	if p.dst != nil {
		return min(n, 3)
	}
	return n
}

// segments reads one segment after another until only the last one is left.
func (p *pass) segments(ctx context.Context, last int64) error {
	for {
		i := p.next.Add(1) - 1
		if i >= last {
			return nil
		}
		if err := p.segment(ctx, i); err != nil {
			return err
		}
	}
}

func (p *pass) segment(ctx context.Context, i int64) error {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-slots }()
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	if err := p.transfer(s.buf[:], i); err != nil {
		return err
	}
	p.tree.Add(s.hasher, i, s.hasher.Segment(s.buf[:], i))
	return nil
}

// transfer reads segment i into data, and writes it to the copy.
func (p *pass) transfer(data []byte, i int64) error {
	_, err := p.src.ReadAt(data, i*segmentSize)
	if err == io.EOF {
		return fmt.Errorf("read %s: %w", p.src.Name(), ErrChanged)
	}
	if err != nil || p.dst == nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	_, err = p.dst.WriteAt(data, i*segmentSize)
	return err
}

// scratch is what the hashing of one segment needs.
type scratch struct {
	buf    [segmentSize]byte // first, since kernels copy to whole pages several times as fast
	hasher *blake3tree.Hasher
}

// scratches saves small files from clearing a scratch each.
var scratches = sync.Pool{New: func() any { return &scratch{hasher: blake3tree.NewHasher()} }}

// slots bounds how many segments of big files are in memory at once, however
// many files are read at a time: with 64, less than 32 MiB.
var slots = make(chan struct{}, min(runtime.GOMAXPROCS(0), 64))
