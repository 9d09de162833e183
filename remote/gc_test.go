package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xtrepro/xt/lock"
)

func (w *world) roots(owner string, wants ...Want) *Roots {
	r := &Roots{Project: "p", Owners: []string{owner}}
	for _, want := range wants {
		r.Needs = append(r.Needs, lock.Item{Path: want.Path, Node: want.Node})
	}
	return r
}

func (w *world) pushAs(owner string, wants ...Want) {
	w.t.Helper()
	var err error
	w.report, err = w.open().Push(context.Background(), w.cache, wants, PushOptions{Roots: w.roots(owner, wants...)})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) gc(opts GCOptions) GCReport {
	w.t.Helper()
	report, err := w.open().GC(context.Background(), opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

func (w *world) fsck(opts FsckOptions) FsckReport {
	w.t.Helper()
	report, err := w.open().Fsck(context.Background(), opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// keys returns what is on the remote below a folder.
func (w *world) keys(below string) []string {
	w.t.Helper()
	dir := strings.TrimPrefix(w.url, "file://")
	var keys []string
	err := filepath.WalkDir(filepath.Join(dir, below), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			keys = append(keys, path)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return keys
}

func TestGCKeepsWhatOthersNeed(t *testing.T) {
	w := newWorld(t)
	w.write("mine/a", noise(1, 3<<20))
	w.write("mine/b", noise(2, 100))
	w.write("theirs/a", noise(3, 3<<20))
	mine, theirs := Want{"mine", w.add("mine")}, Want{"theirs", w.add("theirs")}
	w.pushAs("me", mine)
	w.pushAs("them", theirs)
	w.write("mine/b", noise(4, 200))
	now := Want{"mine", w.add("mine")}
	w.pushAs("me", now)
	dry := w.gc(GCOptions{Roots: w.roots("me", now), DryRun: true})
	if len(dry.Items) != 1 || dry.Items[0].Sum != mine.Node.Sum {
		t.Errorf("the dry run: %+v", dry)
	}
	before := len(w.keys("packs"))
	r := w.gc(GCOptions{Roots: w.roots("me", now), Grace: time.Hour})
	if r.Deleted != 0 || len(w.keys("packs")) != before {
		t.Errorf("within the grace: %+v", r)
	}
	r = w.gc(GCOptions{Roots: w.roots("me", now)})
	if r.Deleted == 0 || r.Kept == 0 {
		t.Errorf("after the grace: %+v", r)
	}
	if f := w.fsck(FsckOptions{}); !f.OK() {
		t.Errorf("the check afterwards: %+v", f)
	}
	w.clone()
	w.fetch(now, theirs)
	if _, err := w.open().Fetch(context.Background(), w.cache, []Want{mine}, nil); err == nil {
		t.Error("what nobody needs is still there")
	}
	// What was deleted can be pushed again.
	w.write("mine/a", noise(1, 3<<20))
	w.write("mine/b", noise(2, 100))
	again := Want{"mine", w.add("mine")}
	w.pushAs("me", again)
	w.clone()
	w.fetch(again)
}

func TestRepair(t *testing.T) {
	damages := map[string]func(path string) error{
		"removed":  os.Remove,
		"cut":      func(path string) error { return os.Truncate(path, 1000) },
		"emptied":  func(path string) error { return os.Truncate(path, 0) },
		"bit flip": func(path string) error { return flip(path, 2) },
		"last bit": func(path string) error { return flip(path, 1) },
	}
	for name, damage := range damages {
		for i := range 3 { // two packs and a table
			t.Run(fmt.Sprint(name, i), func(t *testing.T) { testRepair(t, damage, i) })
		}
	}
}

// flip changes a bit at a part of the file.
func flip(path string, part int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[(len(b)-1)/part] ^= 1
	return os.WriteFile(path, b, 0o666)
}

func testRepair(t *testing.T, damage func(path string) error, number int) {
	w := newWorld(t)
	w.write("d/big", noise(1, 5<<20))
	w.write("d/sub/small", noise(2, 5000))
	want := Want{"d", w.add("d")}
	w.pushAs("me", want)
	if f := w.fsck(FsckOptions{}); !f.OK() || f.Packs != 2 {
		t.Fatalf("undamaged: %+v", f)
	}
	keys := slices.DeleteFunc(slices.Concat(w.keys("packs"), w.keys("meta")), func(key string) bool { return strings.Contains(key, "roots-") })
	if err := damage(keys[number]); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(w.opts.Dir); err != nil { // what is remembered here would hide it
		t.Fatal(err)
	}
	if f := w.fsck(FsckOptions{}); f.OK() && f.Unlisted == 0 {
		t.Errorf("damage to %s goes unseen: %+v", keys[number], f)
	}
	mended := w.cache
	if f := w.fsck(FsckOptions{Repair: mended}); !f.OK() {
		t.Errorf("not mended: %+v", f)
	}
	w.clone()
	if f := w.fsck(FsckOptions{}); !f.OK() {
		t.Errorf("not mended for others: %+v", f)
	}
	w.fetch(want)
	w.gc(GCOptions{Roots: w.roots("me", want)})
	w.gc(GCOptions{Roots: w.roots("me", want)})
	w.clone()
	w.fetch(want)
	if f := w.fsck(FsckOptions{}); !f.OK() || f.Unlisted > 0 {
		t.Errorf("after the collection: %+v", f)
	}
	for _, key := range w.keys("meta") {
		if strings.Contains(key, "doomed-") {
			t.Errorf("%s stays", key)
		}
	}
}
