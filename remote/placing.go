package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

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
		u.arrived(p)
		return
	}
	send := u.sending
	u.sender.Go(func() error {
		err := send(p.Builder)
		if err == nil {
			u.arrived(p)
			p.Reset()
			u.builders <- p.Builder
		}
		return err
	})
}

// arrived counts the files of a pack that is on the remote.
func (u *upload) arrived(p *packing) {
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
	return u.commit(ctx)
}
