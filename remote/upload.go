package remote

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// packSize is the size in bytes at which a pack is sent. A pack is put together
// in memory and sent with one request, so that a kill leaves nothing half-done
// behind.
const packSize = 32 << 20

// checkpoint is how often what was sent gets into the index. Until then a kill
// costs another machine the sending; this one remembers.
const checkpoint = time.Minute

// upload sends things in three steps: one goroutine reads, several digest and
// compress, and one puts the blobs into packs in the order in which they were
// read, so that what lies together in the workspace lies together in a pack.
type upload struct {
	*index
	cache    *cache.Cache
	progress Progress
	expected int64 // bytes that are to be sent, about

	work  chan *blob // for the workers
	queue chan *blob // the same, in order

	known   map[hash.Sum]bool // data that was sent, or that an earlier push left
	bad     map[hash.Sum]bool // what could not be sent, and what names it
	missing []cache.Missing

	sets     map[class]*packing
	builders chan *pack.Builder // that are free
	sender   *errgroup.Group
	sending  func(b *pack.Builder) error // sends a pack, as long as the sender goes on
	failed   <-chan struct{}             // closed when a pack could not be sent
	restart  func()                      // begins with a new sender
	last     time.Time                   // of the last checkpoint

	mu   sync.Mutex
	sent []pack.File // that are in no table yet
	// oldest is when the first of them was sent, by the wall clock: a machine that
	// sleeps does not count the time. It is zero, and so long ago, where an earlier
	// push has sent it.
	oldest time.Time

	files, bytes, stored, dedup, packs, runsSent int64
}

// blob is something on its way into a pack. The worker fills in what is below
// ready before it closes that.
type blob struct {
	kind  pack.Kind
	sum   hash.Sum
	path  string
	read  func(ctx context.Context) ([]byte, error) // nil: content is there
	cut   *cutting                                  // of which this is a chunk, or, as a recipe, the end
	after func(ctx context.Context) error           // for the end of something: no blob at all

	ready   chan struct{}
	content []byte
	stored  []byte
	raw     int
	known   bool // the remote has it
	err     error
	free    func() // gives the memory back
}

func newUpload(x *index, c *cache.Cache, p Progress) *upload {
	if p == nil {
		p = silent{}
	}
	jobs := x.r.opts.Jobs
	u := &upload{
		index: x, cache: c, progress: p,
		work: make(chan *blob), queue: make(chan *blob, 16),
		known: map[hash.Sum]bool{}, bad: map[hash.Sum]bool{},
		sets: map[class]*packing{}, builders: make(chan *pack.Builder, jobs+3),
		last: time.Now(), expected: packSize,
	}
	for range cap(u.builders) {
		u.builders <- nil // made when it is needed
	}
	return u
}

func (u *upload) report(r *PushReport) {
	r.SentFiles += u.files
	r.SentBytes += u.bytes
	r.Stored += u.stored
	r.Known += u.dedup
	r.Packs += u.packs
	r.Runs += u.runsSent
}

// send sends the list and records it in the index.
func (u *upload) send(ctx context.Context, list []sending) error {
	if err := u.adopt(ctx); err != nil {
		return err
	}
	if len(list) > 0 {
		if err := u.stream(ctx, list); err != nil {
			return err
		}
	}
	if err := u.commit(ctx); err != nil {
		return err
	}
	return u.tidy(ctx)
}

// stream runs the three steps.
func (u *upload) stream(ctx context.Context, list []sending) error {
	steps := []func(ctx context.Context) error{func(ctx context.Context) error {
		defer close(u.queue)
		defer close(u.work)
		return u.readAll(ctx, list)
	}}
	for range runtime.GOMAXPROCS(0) {
		steps = append(steps, u.digest)
	}
	return u.run(ctx, steps...)
}

// copy sends blobs that are in other packs of the remote, and records them.
func (u *upload) copy(ctx context.Context, wishes []wish) error {
	err := u.run(ctx, func(ctx context.Context) error {
		defer close(u.queue)
		for i := range wishes {
			e := wishes[i].at.Entry
			wishes[i].take = func(_ context.Context, content []byte) error {
				raw := pack.Raw(e.Kind, content)
				b := &blob{kind: e.Kind, sum: e.Sum, content: content, stored: pack.Compress(nil, raw), raw: len(raw), ready: make(chan struct{})}
				close(b.ready)
				select {
				case u.queue <- b:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		}
		return u.r.grant(ctx, wishes)
	})
	if err != nil {
		return err
	}
	return u.commit(ctx)
}

// run runs the steps that fill the queue, puts what comes out of it into packs and
// sends these.
func (u *upload) run(ctx context.Context, steps ...func(ctx context.Context) error) error {
	g, gctx := errgroup.WithContext(ctx)
	// The sender outlives the steps, so that it has a context of its own.
	u.restart = func() { u.startSender(ctx) }
	u.restart()
	for _, step := range steps {
		g.Go(func() error { return step(gctx) })
	}
	g.Go(func() error { return u.assemble(gctx) })
	err := g.Wait()
	if sendErr := u.sender.Wait(); sendErr != nil {
		err = sendErr // what the others say follows from it
	}
	return err
}

// startSender begins to send packs, up to so many at a time.
func (u *upload) startSender(ctx context.Context) {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(u.r.opts.Jobs)
	u.sender, u.failed = g, gctx.Done()
	u.sending = func(b *pack.Builder) error { return u.sendPack(gctx, b) }
}

// assemble puts the blobs into packs, in order.
func (u *upload) assemble(ctx context.Context) error {
	for b := range u.queue {
		select {
		case <-b.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := u.place(ctx, b); err != nil {
			return err
		}
		if b.free != nil {
			b.free()
		}
		if time.Since(u.last) > checkpoint {
			if err := u.commitNow(ctx); err != nil {
				return err
			}
		}
	}
	u.flushAll()
	return nil
}
