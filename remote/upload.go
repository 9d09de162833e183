package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
	// sleeps does not count the time.
	oldest time.Time

	files, bytes, stored, dedup, packs, runsSent int64
}

// class keeps blobs that are wanted together in packs of their own.
type class uint8

const (
	dataClass class = iota
	metaClass
	runClass
)

func classOf(k pack.Kind) class {
	switch {
	case k == pack.Run:
		return runClass
	case k.IsMeta():
		return metaClass
	}
	return dataClass
}

// packing is a pack that is being put together.
type packing struct {
	*pack.Builder
	files, bytes int64 // that are complete with it
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
		if err := u.confirm(ctx); err != nil {
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
	g, gctx := errgroup.WithContext(ctx)
	// The sender outlives the steps, so that it has a context of its own.
	u.restart = func() { u.startSender(ctx) }
	u.restart()
	g.Go(func() error {
		defer close(u.queue)
		defer close(u.work)
		return u.readAll(gctx, list)
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error { return u.digest(gctx) })
	}
	g.Go(func() error { return u.assemble(gctx) })
	err := g.Wait()
	if sendErr := u.sender.Wait(); sendErr != nil {
		err = sendErr // what the others say follows from it
	}
	return err
}

// copy sends blobs that are in other packs of the remote, and records them.
func (u *upload) copy(ctx context.Context, wishes []wish) error {
	g, gctx := errgroup.WithContext(ctx)
	u.restart = func() { u.startSender(ctx) }
	u.restart()
	g.Go(func() error { return u.assemble(gctx) })
	for i := range wishes {
		e := wishes[i].at.Entry
		wishes[i].take = func(_ context.Context, content []byte) error {
			raw := pack.Raw(e.Kind, content)
			b := &blob{kind: e.Kind, sum: e.Sum, content: content, stored: pack.Compress(nil, raw), raw: len(raw), ready: make(chan struct{})}
			close(b.ready)
			select {
			case u.queue <- b:
				return nil
			case <-gctx.Done():
				return context.Cause(gctx)
			}
		}
	}
	g.Go(func() error {
		defer close(u.queue)
		return u.r.grant(gctx, wishes)
	})
	err := g.Wait()
	if sendErr := u.sender.Wait(); sendErr != nil {
		err = sendErr
	}
	if err != nil {
		return err
	}
	return u.commit(ctx)
}

// startSender begins to send packs, up to so many at a time.
func (u *upload) startSender(ctx context.Context) {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(u.r.opts.Jobs)
	u.sender, u.failed = g, gctx.Done()
	u.sending = func(b *pack.Builder) error { return u.sendPack(gctx, b) }
}

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
			u.index.count(l)
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

func (u *upload) place(ctx context.Context, b *blob) error {
	switch {
	case b.after != nil:
		return b.after(ctx)
	case b.err != nil:
		return u.drop(b)
	case u.bad[b.sum] && b.kind.IsMeta():
		return nil // something that it names could not be sent
	}
	if b.cut != nil && b.kind == pack.Data {
		b.cut.parts = append(b.cut.parts, pack.Part{Sum: b.sum, Size: int64(len(b.content))})
	}
	if b.kind == pack.Data && (b.known || u.known[b.sum]) {
		u.dedup += int64(len(b.content))
		u.complete(b)
		return nil
	}
	if b.kind == pack.Data {
		u.known[b.sum] = true
	}
	if err := u.add(ctx, b); err != nil {
		return err
	}
	u.complete(b)
	return nil
}

// drop notes what could not be read: it is missing, and what names it is not
// sent. Other errors end the push.
func (u *upload) drop(b *blob) error {
	damaged := (*cache.DamagedError)(nil)
	if !errors.As(b.err, &damaged) && !errors.Is(b.err, os.ErrNotExist) {
		return fmt.Errorf("read %s: %w", b.path, b.err)
	}
	u.bad[b.sum] = true
	kind := hash.File
	if b.kind.IsMeta() {
		kind = hash.Directory
	}
	u.missing = append(u.missing, cache.Missing{Path: b.path, Sum: b.sum, Kind: kind})
	return nil
}

// complete counts what is whole with a blob: a small file, a part of a big one.
func (u *upload) complete(b *blob) {
	p := u.packing(classOf(b.kind))
	switch {
	case b.kind == pack.Data && b.cut == nil:
		p.files++
		p.bytes += int64(len(b.content))
	case b.kind == pack.Data && b.cut.kind == pack.DataRecipe:
		p.bytes += int64(len(b.content))
	case b.kind == pack.DataRecipe:
		p.files++
	case b.kind == pack.Run:
		u.runsSent++
	}
}

func (u *upload) packing(c class) *packing {
	if u.sets[c] == nil {
		u.sets[c] = &packing{}
	}
	return u.sets[c]
}

// add puts a blob into the pack of its class, and sends the pack when it is full.
func (u *upload) add(ctx context.Context, b *blob) error {
	p := u.packing(classOf(b.kind))
	if p.Builder == nil {
		var err error
		if p.Builder, err = u.builder(ctx, classOf(b.kind)); err != nil {
			return err
		}
	}
	p.Add(b.kind, b.sum, b.stored, b.raw)
	if p.Len() >= packSize {
		u.flush(classOf(b.kind))
	}
	return nil
}

// builder returns a free builder, when there is one.
func (u *upload) builder(ctx context.Context, c class) (*pack.Builder, error) {
	select {
	case b := <-u.builders:
		if b == nil {
			b = pack.NewBuilder(u.room(c))
		}
		return b, nil
	case <-u.failed:
		return nil, errStopped
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// room returns how big a new builder is made, so that it need not grow.
func (u *upload) room(c class) int {
	if c == dataClass {
		return int(min(u.expected, packSize)) + pack.MaxChunk
	}
	return 1 << 20
}

// errStopped ends the other steps when a pack could not be sent.
var errStopped = errors.New("sending has stopped")

func (u *upload) flushAll() {
	for _, c := range []class{dataClass, metaClass, runClass} {
		u.flush(c)
	}
}

// flush sends the pack of a class.
func (u *upload) flush(c class) {
	p := u.sets[c]
	if p == nil {
		return
	}
	u.sets[c] = nil
	if p.Builder == nil || p.Empty() {
		u.count(p)
		return
	}
	send := u.sending
	u.sender.Go(func() error {
		err := send(p.Builder)
		if err == nil {
			u.count(p)
			p.Reset()
			u.builders <- p.Builder
		}
		return err
	})
}

// count says that the files of a pack are on the remote.
func (u *upload) count(p *packing) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.files += p.files
	u.bytes += p.bytes
	u.progress.Count(p.files, p.bytes)
}

// sendPack sends one pack and notes here that it is there.
func (u *upload) sendPack(ctx context.Context, b *pack.Builder) error {
	plain, entries := b.Finish()
	data, name, err := u.r.seal(plain)
	if err != nil {
		return err
	}
	if err := u.r.store.Put(ctx, packKey(name), data); err != nil {
		return err
	}
	f := pack.File{Name: name, Size: int64(len(data)), Entries: entries}
	// If it cannot be noted, a push that is killed has to send it again.
	_ = keepFile(u.r.local("pending", name.String()), pack.EncodeTable([]pack.File{f}, nil))
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.sent) == 0 {
		u.oldest = time.Now().Round(0)
	}
	u.sent = append(u.sent, f)
	u.stored += f.Size
	u.packs++
	return nil
}

// commitNow records in the middle of the work what has been sent so far.
func (u *upload) commitNow(ctx context.Context) error {
	u.flushAll()
	if err := u.sender.Wait(); err != nil {
		return errStopped // the sender says why
	}
	u.restart()
	u.last = time.Now()
	if err := u.confirm(ctx); err != nil {
		return err
	}
	return u.commit(ctx)
}
