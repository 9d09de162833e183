package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/store"
)

// TestAnyOrder has several clones push, fetch and collect garbage in an order by
// chance; some of that is killed, and some happens in the middle of another's
// push. Whatever a clone has pushed and still needs can be fetched all the time.
//
// XT_TEST_ROUNDS makes more rounds than the few of each test run.
func TestAnyOrder(t *testing.T) {
	rounds := 8
	if n, err := strconv.Atoi(os.Getenv("XT_TEST_ROUNDS")); err == nil {
		rounds = n
	} else if testing.Short() {
		rounds = 2
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			newModel(t, uint64(seed)).play(40)
		})
	}
}

// model is some clones and what they may rely on.
type model struct {
	t      *testing.T
	rand   *rand.Rand
	first  *world
	clones []*clone
	inside bool // of a push, so that little time passes
	log    []string
}

type clone struct {
	*world
	owner string
	needs []Want            // now
	kept  map[hash.Sum]Want // what the remote has to have for it
}

const modelGrace = time.Hour

func newModel(t *testing.T, seed uint64) *model {
	m := &model{t: t, rand: rand.New(rand.NewPCG(seed, 7)), first: newWorld(t)}
	for i := range 3 {
		m.clones = append(m.clones, &clone{m.first.machine(), fmt.Sprintf("clone%d", i), nil, map[hash.Sum]Want{}})
	}
	return m
}

func (m *model) play(steps int) {
	for range steps {
		m.step(m.clones[m.rand.IntN(len(m.clones))])
		if m.rand.IntN(4) == 0 {
			m.check()
		}
		if m.t.Failed() {
			break
		}
	}
	m.check()
	if m.t.Failed() {
		for _, line := range m.log {
			m.t.Log(line)
		}
	}
}

func (m *model) say(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

func (m *model) step(c *clone) {
	switch m.rand.IntN(10) {
	case 0, 1:
		m.change(c)
	case 2, 3:
		m.change(c)
		m.push(c, nil)
	case 4:
		m.change(c)
		m.push(c, &shaky{at: 1 + m.rand.IntN(15), before: m.rand.IntN(2) == 0})
	case 5:
		// Something happens while it pushes, and takes less time than the grace.
		m.change(c)
		s := &shaky{at: 1 + m.rand.IntN(15)}
		s.hook = func() {
			m.inside = true
			other := m.clones[m.rand.IntN(len(m.clones))]
			for other == c {
				other = m.clones[m.rand.IntN(len(m.clones))]
			}
			m.interrupt(other)
			m.inside = false
		}
		m.push(c, s)
	case 6:
		m.gc(c, modelGrace, nil)
	case 7:
		m.gc(c, time.Duration(m.rand.IntN(2))*modelGrace, &shaky{at: 1 + m.rand.IntN(25), before: m.rand.IntN(2) == 0})
	case 8:
		m.age(2 * modelGrace)
	case 9:
		m.fetch(c)
	}
}

// interrupt is what happens inside a push of another clone.
func (m *model) interrupt(c *clone) {
	switch m.rand.IntN(3) {
	case 0:
		m.change(c)
		m.push(c, nil)
	case 1:
		m.gc(c, modelGrace, nil)
	case 2:
		m.gc(c, modelGrace, nil)
		m.age(modelGrace / 3)
		m.change(c)
		m.push(c, nil)
		m.gc(c, modelGrace, nil)
	}
}

func (m *model) age(d time.Duration) {
	m.say("%v pass", d)
	m.first.open() // makes it
	m.first.age(d)
}

// change commits another version of the data, and perhaps forgets old ones.
func (m *model) change(c *clone) {
	dir := "d" + fmt.Sprint(m.rand.IntN(2))
	for range 1 + m.rand.IntN(3) {
		// The clones often have the same.
		content := noise(uint64(m.rand.IntN(20)), []int{0, 10, 1000, 50_000, 700_000, 1_300_000}[m.rand.IntN(6)])
		c.write(fmt.Sprintf("%s/s%d/f%d", dir, m.rand.IntN(2), m.rand.IntN(3)), content)
	}
	n := c.add(dir)
	c.needs = append(c.needs, Want{dir, n})
	if m.rand.IntN(3) == 0 && len(c.needs) > 2 {
		c.needs = c.needs[m.rand.IntN(2)+1:]
	}
	m.say("%s has %s %s, and needs %d", c.owner, dir, n.Sum.Short(), len(c.needs))
}

// narrow takes from what the remote has to have what the clone no longer needs.
func (c *clone) narrow() {
	for sum := range c.kept {
		if !slices.ContainsFunc(c.needs, func(w Want) bool { return w.Node.Sum == sum }) {
			delete(c.kept, sum)
		}
	}
}

func (m *model) push(c *clone, s *shaky) {
	m.say("%s pushes %d", c.owner, len(c.needs))
	r, err := c.reach(s)
	if err == nil {
		_, err = r.Push(context.Background(), c.cache, c.needs, PushOptions{Roots: c.roots(c.owner, c.needs...)})
	}
	c.narrow()
	m.outcome(err)
	if err == nil {
		for _, w := range c.needs {
			c.kept[w.Node.Sum] = w
		}
	}
}

func (m *model) gc(c *clone, grace time.Duration, s *shaky) {
	m.say("%s collects with a grace of %v", c.owner, grace)
	c.narrow()
	r, err := c.reach(s)
	if err == nil {
		_, err = r.GC(context.Background(), GCOptions{Roots: c.roots(c.owner, c.needs...), Grace: grace})
	}
	m.outcome(err)
}

// outcome checks that nothing but death ends anything.
func (m *model) outcome(err error) {
	if err != nil {
		m.say("  %v", err)
	}
	if err != nil && !errors.Is(err, errDead) {
		m.t.Errorf("error %v", err)
	}
}

// fetch brings what another clone has pushed.
func (m *model) fetch(c *clone) {
	from := m.clones[m.rand.IntN(len(m.clones))]
	m.say("%s fetches from %s", c.owner, from.owner)
	for _, w := range from.kept {
		r, err := c.reach(nil)
		if err == nil {
			_, err = r.Fetch(context.Background(), c.cache, []Want{w}, nil)
		}
		m.outcome(err)
	}
}

func (c *clone) reach(s *shaky) (*Remote, error) {
	if s == nil {
		s = &shaky{}
	}
	return c.through(s)
}

// check fetches with a machine that has nothing, and checks the remote.
func (m *model) check() {
	m.t.Helper()
	var wants []Want
	for _, c := range m.clones {
		for _, w := range c.kept {
			wants = append(wants, w)
		}
	}
	m.first.fetches(wants...)
	st, err := store.Open(context.Background(), m.first.url, store.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	r, err := Create(context.Background(), st, m.first.opts)
	if err != nil {
		m.t.Fatal(err)
	}
	defer r.Close()
	f, err := r.Fsck(context.Background(), FsckOptions{})
	if err != nil || len(f.Lost) > 0 {
		m.t.Errorf("the check: %+v, %v", f, err)
	}
}
