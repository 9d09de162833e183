package cache

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

func (p *project) gc(opts GCOptions, keep ...hash.Node) Report {
	p.t.Helper()
	r, err := p.cache.GC(context.Background(), keep, opts)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// later makes the cache believe that d has passed.
func (p *project) later(d time.Duration) {
	p.cache.now = func() time.Time { return time.Now().Add(d) }
}

func TestGCKeepsWhatIsAskedFor(t *testing.T) {
	p := newProject(t)
	p.sample("old")
	old := p.put("old")
	p.write("new/a", "one") // also in old
	p.write("new/sub/z", "only new")
	kept := p.put("new")
	p.wipe("old")
	p.later(time.Hour)

	dry := p.gc(GCOptions{DryRun: true}, kept)
	if dry.Objects != 6 || dry.Trees != 4 || dry.Kept != 2 {
		t.Errorf("dry run: %+v", dry)
	}
	if r := p.gc(GCOptions{}, kept, old); r.Objects+r.Trees != 0 {
		t.Errorf("with everything kept: %+v", r)
	}
	if r := p.gc(GCOptions{}, kept); r != dry {
		t.Errorf("did %+v, the dry run said %+v", r, dry)
	}
	p.clean()
	p.wipe("new")
	p.mustCheckout("new", kept)
	if _, err := p.checkout("old", old); err == nil {
		t.Error("the old tree is still there")
	}
}

func TestGCKeepsWhatIsYoung(t *testing.T) {
	p := newProject(t)
	p.sample("data")
	n := p.put("data")
	if r := p.gc(GCOptions{Grace: time.Hour}); r.Objects+r.Trees != 0 {
		t.Errorf("removed what is new: %+v", r)
	}
	// Used again after a long time: the tree is refreshed, and holds the rest.
	p.later(10 * time.Hour)
	if !p.cache.HasTree(n.Sum) {
		t.Fatal("the tree is gone")
	}
	p.later(11 * time.Hour)
	if r := p.gc(GCOptions{Grace: time.Hour}); r.Objects+r.Trees != 0 {
		t.Errorf("removed what is in use: %+v", r)
	}
	p.later(24 * time.Hour)
	if r := p.gc(GCOptions{Grace: time.Hour}); r.Kept != 0 || r.Trees != 4 {
		t.Errorf("kept what is old: %+v", r)
	}
}

func TestGCKeepsWhatIsLinked(t *testing.T) {
	p := newProject(t, Hardlink)
	p.write("data/a", "one")
	p.put("data")
	p.later(time.Hour)
	if r := p.gc(GCOptions{}); r.Linked != 1 || r.Objects != 0 {
		t.Errorf("%+v, want one object kept for its link", r)
	}
	p.wipe("data")
	if r := p.gc(GCOptions{}); r.Objects != 1 || r.Bytes != 3 {
		t.Errorf("%+v, want one object removed", r)
	}
}

func TestGCDropsRunsWithoutOutputs(t *testing.T) {
	p := newProject(t)
	p.write("a", "one")
	p.write("b", "two")
	a, b := p.put("a"), p.put("b")
	for i, n := range []hash.Node{a, b} {
		fp := hash.Fingerprint(hash.Bytes([]byte{byte(i)}))
		if err := p.cache.PutRun(fp, []lock.Item{{Path: "out", Node: n}}); err != nil {
			t.Fatal(err)
		}
	}
	p.later(time.Hour)
	if r := p.gc(GCOptions{}, a); r.Runs != 1 || r.Objects != 1 {
		t.Errorf("%+v, want one run and one object removed", r)
	}
	if _, err := p.cache.Run(hash.Fingerprint(hash.Bytes([]byte{0}))); err != nil {
		t.Error(err)
	}
}

func TestGCBringsBackWhatItHadTakenAside(t *testing.T) {
	p := newProject(t)
	p.write("a", "one")
	n := p.put("a")
	if err := os.MkdirAll(p.cache.dir+"/"+temporary, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.cache.path(objects, n.Sum), p.cache.dir+"/"+asideName(objects, n.Sum)); err != nil {
		t.Fatal(err)
	}
	p.gc(GCOptions{}, n)
	if !p.cache.HasFile(n) {
		t.Error("the object is still missing")
	}
}

func TestTopDownPutsParentsFirst(t *testing.T) {
	sum := func(s string) hash.Sum { return hash.Bytes([]byte(s)) }
	sums := func(names ...string) (all []hash.Sum) {
		for _, n := range names {
			all = append(all, sum(n))
		}
		return all
	}
	named := map[hash.Sum][]hash.Sum{
		sum("a"): sums("b", "c", "elsewhere"), sum("b"): sums("d"), sum("c"): sums("b", "d"), sum("d"): nil, sum("e"): sums("a"),
	}
	at := map[hash.Sum]int{}
	for i, s := range topDown(named) {
		at[s] = i
	}
	if len(at) != len(named) {
		t.Fatalf("%d of %d trees", len(at), len(named))
	}
	for parent, below := range named {
		for _, s := range below {
			if i, ok := at[s]; ok && i < at[parent] {
				t.Errorf("%s comes before one that names it", s.Short())
			}
		}
	}
}

func TestProjects(t *testing.T) {
	p := newProject(t)
	for i := range 3 {
		if err := p.cache.Register(fmt.Sprintf("/home/u/p%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.cache.Unregister("/home/u/p1"); err != nil {
		t.Fatal(err)
	}
	got, err := p.cache.Projects()
	if want := "[/home/u/p0 /home/u/p2]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v; want %s", got, err, want)
	}
}
