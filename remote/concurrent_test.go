package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestManyPushAtOnce has machines push to one remote at the same time, with one
// that collects garbage meanwhile. What they push overlaps.
func TestManyPushAtOnce(t *testing.T) {
	t.Run("file", func(t *testing.T) { testManyPushAtOnce(t, newWorld(t)) })
	t.Run("s3", func(t *testing.T) {
		if testing.Short() {
			t.Skip("needs a server")
		}
		server := testserver.S3(t)
		server.Setenv(t)
		testManyPushAtOnce(t, worldAt(t, server.URL))
	})
}

// worldAt is newWorld for a remote at an address.
func worldAt(t *testing.T, address string) *world {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, url: u.JoinPath("many").String()}
	w.clone()
	return w
}

func testManyPushAtOnce(t *testing.T, w *world) {
	const machines, rounds = 5, 3
	var all []*world
	for range machines {
		all = append(all, w.machine())
	}
	collector := w.machine()
	latest := make([][]Want, machines)
	for round := range rounds {
		remotes := make([]*Remote, machines+1)
		for i, m := range all {
			for j := range 6 {
				// The neighbours have most of it as well.
				m.write(fmt.Sprintf("d/s%d/f%d", j%2, j), noise(uint64(10*round+i+j), 1000+100_000*(j%3)*(j%3)))
			}
			m.write("d/own", fmt.Appendf(nil, "%d %d", round, i))
			m.write("d/big", append(noise(uint64(round), 1<<20), noise(uint64(i), 600<<10)...))
			latest[i] = append(latest[i], Want{"d", m.add("d")})
			if round > 1 {
				latest[i] = latest[i][1:] // a branch is gone
			}
			remotes[i] = m.open()
		}
		remotes[machines] = collector.open()
		var g errgroup.Group
		for i, m := range all {
			g.Go(func() error {
				_, err := remotes[i].Push(context.Background(), m.cache, latest[i], PushOptions{Roots: m.roots(fmt.Sprint("m", i), latest[i]...)})
				return err
			})
		}
		g.Go(func() error {
			_, err := remotes[machines].GC(context.Background(), GCOptions{Roots: collector.roots("collector"), Grace: time.Hour})
			return err
		})
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for i := range all {
			w.fetches(latest[i]...)
		}
		if f := w.fsck(FsckOptions{}); !f.OK() || f.Absent > 0 || f.Unlisted > 0 {
			t.Errorf("round %d: %+v", round, f)
		}
	}
	for i, m := range all {
		m.gc(GCOptions{Roots: m.roots(fmt.Sprint("m", i), latest[i]...)})
	}
	for i := range all {
		w.fetches(latest[i]...)
	}
	if f := w.fsck(FsckOptions{}); !f.OK() {
		t.Errorf("in the end: %+v", f)
	}
}

// TestOneRemoteIsMade has machines make one remote at the same time.
func TestOneRemoteIsMade(t *testing.T) {
	w := newWorld(t)
	w.write("d/f", noise(1, 1000))
	want := Want{"d", w.add("d")}
	ids := make([]string, 8)
	var g errgroup.Group
	for i := range ids {
		g.Go(func() error {
			r, err := w.through(&shaky{})
			if err == nil {
				ids[i] = r.id
				_, err = r.Push(context.Background(), w.cache, []Want{want}, PushOptions{Roots: w.roots(fmt.Sprint(i), want)})
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("remotes %v", ids)
		}
	}
	w.fetches(want)
}

// TestFetchWhileCollecting fetches while what it has just located is moved to
// another pack and deleted where it was.
func TestFetchWhileCollecting(t *testing.T) {
	for at := 1; at < 12; at++ {
		w := newWorld(t)
		w.write("d/f", noise(1, 1000))
		w.write("d/big", noise(2, 2<<20))
		w.write("e/g", noise(3, 3<<20))
		d, e := Want{"d", w.add("d")}, Want{"e", w.add("e")}
		w.pushAs("me", d, e)
		m := w.machine()
		s := &shaky{at: at, hook: func() {
			w.gc(GCOptions{Roots: w.roots("me", d)})
			w.gc(GCOptions{Roots: w.roots("me", d)})
		}}
		r, err := m.through(s)
		if err == nil {
			_, err = r.Fetch(context.Background(), m.cache, []Want{d}, nil)
		}
		if err != nil {
			t.Errorf("collected before request %d: %v", at, err)
		}
		if s.count < at {
			break
		}
		m = w.machine()
		if _, err := m.open().Fetch(context.Background(), m.cache, []Want{e}, nil); errors.Is(err, fs.ErrNotExist) || err == nil {
			t.Errorf("what was collected: %v", err)
		}
	}
}

// TestPushLongerThanGrace has a push that counts on what nobody needs, and takes
// so long that this is collected meanwhile.
func TestPushLongerThanGrace(t *testing.T) {
	for at := 1; at < 14; at++ {
		w := newWorld(t)
		w.write("d/f", noise(1, 1<<20))
		w.write("d/g", noise(2, 1000))
		old := Want{"d", w.add("d")}
		w.pushAs("them", old)
		w.gc(GCOptions{Roots: w.roots("them"), Grace: time.Hour}) // which they need no longer
		m := w.machine()
		m.write("e/f", noise(1, 1<<20))
		m.write("e/h", noise(3, 2000))
		want := Want{"e", m.add("e")}
		s := &shaky{at: at}
		s.hook = func() {
			if strings.HasPrefix(s.written(), indexPrefix) {
				return // it has looked, and takes no time between this and that
			}
			for range 3 {
				w.age(2 * time.Hour)
				w.gc(GCOptions{Roots: w.roots("them"), Grace: time.Hour})
			}
		}
		r, err := m.through(s)
		if err == nil {
			_, err = r.Push(context.Background(), m.cache, []Want{want}, PushOptions{Roots: m.roots("me", want)})
		}
		if err != nil {
			t.Errorf("collected before request %d: %v", at, err)
			continue
		}
		if s.count < at {
			break
		}
		w.fetches(want)
		if t.Failed() {
			t.Errorf("collected before request %d", at)
		}
	}
}
