//go:build amd64 || arm64

package trace

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long an answer may take before another goroutine takes over the
// listener. The look at a file may block: on a network that hangs, or for good on
// a file system that a traced process serves. Several goroutines from the start
// would cost more in switches between them than they do at once.
const patience = 50 * time.Millisecond

// lastBreath is how long processes that are being killed may take to end.
const lastBreath = 200 * time.Millisecond

// defaultMax is Options.Max if that is zero.
const defaultMax = 1_000_000

// Tracer follows a started command.
type Tracer struct {
	options  Options
	listener int
	starter  atomic.Uint32 // thread whose own calls are not the command's; 0 once it has ended
	nobody   chan struct{} // closed when no process is left
	closed   chan struct{} // closed when the listener is, too

	receiving atomic.Bool   // a goroutine waits for a notification
	received  atomic.Uint64 // counts them

	mu       sync.Mutex // guards what follows, and closing the listener
	seen     map[string]mark
	cut      bool
	finished bool
	unread   int
	blind    map[string]bool
}

func newTracer(o Options) *Tracer {
	if o.Max <= 0 {
		o.Max = defaultMax
	}
	return &Tracer{options: o, nobody: make(chan struct{}), closed: make(chan struct{}), seen: map[string]mark{}, blind: map[string]bool{}}
}

// serve answers notifications until no process is left.
func (t *Tracer) serve() {
	var wg sync.WaitGroup
	over := sync.OnceFunc(func() { close(t.nobody) })
	server := func() {
		if t.server() {
			over()
		}
	}
	wg.Go(server)
	wg.Go(func() { t.watch(func() { wg.Go(server) }) })
	go func() {
		wg.Wait()
		t.mu.Lock()
		defer t.mu.Unlock()
		unix.Close(t.listener)
		close(t.closed)
	}()
}

// server answers notifications while no other goroutine receives them. It reports
// whether there will be no more.
func (t *Tracer) server() bool {
	var n notification
	var d decoder
	for t.receiving.CompareAndSwap(false, true) {
		err := receive(t.listener, &n)
		t.received.Add(1)
		t.receiving.Store(false)
		if err == nil {
			err = t.answer(&n, &d)
		}
		if err != nil {
			if err != errNobody {
				t.note(fmt.Sprintf("the kernel broke off the trace: %v", err))
			}
			return true
		}
	}
	return false
}

// watch calls more when the goroutine that received a notification does not return
// from it.
func (t *Tracer) watch(more func()) {
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for last := uint64(0); ; {
		select {
		case <-t.nobody:
			return
		case <-tick.C:
		}
		now := t.received.Load()
		if now == last && !t.receiving.Load() {
			more()
		}
		last = now
	}
}

// answer decodes a call and lets it go on. What was read counts only if the thread
// was still held then: that is what tells that the memory was its own. Neither Finish
// nor the thread's next call comes between the answer and the entry.
func (t *Tracer) answer(n *notification, d *decoder) error {
	d.found = d.found[:0]
	why, unread := "", false
	c, known := callOf(uint32(n.nr))
	switch {
	case n.tid == 0:
		why = "a process ran where its number is not known"
	case n.tid == t.starter.Load():
	case n.arch != nativeArch:
		why = "32-bit programs ran, whose files are not seen"
	case known && c.op == opRing:
		why = "io_uring was set up, through which files are opened unseen"
	case known:
		unread = d.decode(n, c) != nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	held, err := proceed(t.listener, n.id)
	if err != nil || !held {
		return err
	}
	if why != "" {
		t.blind[why] = true
	}
	if unread {
		t.unread++
	}
	t.enter(d.found)
	return nil
}

func (t *Tracer) note(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.blind[why] = true
}

// enter adds accesses. The caller holds the lock.
func (t *Tracer) enter(found []sight) {
	if t.finished {
		return
	}
	for _, s := range found {
		before, known := t.seen[s.path]
		if !known && len(t.seen) >= t.options.Max {
			t.cut = true
			continue
		}
		if before&write != 0 {
			s.mark &^= create // made anew after a removal
		}
		if m := before | s.mark; m != before {
			t.seen[s.path] = m
		}
	}
}

// Finish returns what the processes of the command did up to now. It is to be
// called when the command has ended, and what it left behind has been killed or is
// to live on. It does not wait for processes that live on; they are no longer
// traced, but their calls still have to be answered: by this process while it
// lives, and then by the keeper.
func (t *Tracer) Finish() Report {
	alive := t.alive()
	if alive && t.options.Keeper != "" {
		if err := t.keep(); err != nil {
			t.note(fmt.Sprintf("processes that were left behind will not be able to open files: %v", err))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finished = true
	if t.unread > 0 {
		t.blind[fmt.Sprintf("the memory of a process could not be read at %d calls", t.unread)] = true
	}
	r := Report{Cut: t.cut, Alive: alive, Blind: slices.Sorted(maps.Keys(t.blind))}
	for path, m := range t.seen {
		r.Accesses = append(r.Accesses, m.access(path))
	}
	t.seen = nil
	slices.SortFunc(r.Accesses, func(a, b Access) int { return strings.Compare(a.Path, b.Path) })
	return r
}

// alive reports whether processes are left.
func (t *Tracer) alive() bool {
	select {
	case <-t.nobody:
		return false
	case <-time.After(lastBreath):
		return true
	}
}

func (m mark) access(path string) Access {
	return Access{
		Path: path, Read: m&read != 0, Write: m&write != 0, Created: m&create != 0,
		Missing: m&miss != 0, Exec: m&run != 0, Dir: m&dir != 0,
	}
}
