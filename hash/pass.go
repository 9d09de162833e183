package hash

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
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

	// Only one goroutine at a time writes to dst: the kernel has a lock of that
	// kind for each file anyhow, but spins on it. The others leave it their
	// segments and read on. If they waited for a lock instead, to wake one for
	// each segment would cost as much as to write it.
	mu      sync.Mutex
	queue   []*scratch
	writing bool
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
	if err := p.read(data, last); err != nil {
		return Sum{}, err
	}
	if p.dst != nil {
		if _, err := p.dst.WriteAt(data, last*segmentSize); err != nil {
			return Sum{}, err
		}
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
	n := max(1, cap(slots)/2)
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
	s := scratches.Get().(*scratch)
	if err := p.read(s.buf[:], i); err != nil {
		s.free()
		return err
	}
	p.tree.Add(s.hasher, i, s.hasher.Segment(s.buf[:], i))
	if p.dst == nil {
		s.free()
		return nil
	}
	s.segment = i
	return p.write(s)
}

// read fills data with what segment i begins with.
func (p *pass) read(data []byte, i int64) error {
	_, err := p.src.ReadAt(data, i*segmentSize)
	if err == io.EOF {
		return fmt.Errorf("read %s: %w", p.src.Name(), ErrChanged)
	}
	return err
}

// write frees s when its segment is written: by this goroutine, with all that
// others leave it meanwhile, or by the one that is writing already.
func (p *pass) write(s *scratch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, s)
	if p.writing {
		return nil
	}
	p.writing = true
	defer func() { p.writing = false }()
	var failed error
	for len(p.queue) > 0 {
		s := p.queue[0]
		p.queue = slices.Delete(p.queue, 0, 1)
		p.mu.Unlock()
		if failed == nil {
			_, failed = p.dst.WriteAt(s.buf[:], s.segment*segmentSize)
		}
		s.free()
		p.mu.Lock()
	}
	return failed
}

// scratch is what the hashing of one segment needs. Who has one of a segment
// before the last holds a slot.
type scratch struct {
	buf     [segmentSize]byte // first, since kernels copy to whole pages several times as fast
	hasher  *blake3tree.Hasher
	segment int64 // that buf holds, while it waits to be written
}

// free gives s and its slot back.
func (s *scratch) free() {
	scratches.Put(s)
	<-slots
}

// scratches saves small files from clearing a scratch each.
var scratches = sync.Pool{New: func() any { return &scratch{hasher: blake3tree.NewHasher()} }}

// slots bounds how many segments of big files are in memory at once, however
// many files are read at a time: 128 are 32 MiB. For each core there is one to
// hash and one that waits to be written.
var slots = make(chan struct{}, min(2*runtime.GOMAXPROCS(0), 128))
