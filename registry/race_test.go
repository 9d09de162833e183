package registry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/git"
)

// TestClock dates a tag after the last one, although that comes from a clock that
// is ahead.
func TestClock(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	one, two := r.commit(), r.commit()
	r.tag("m@v0.0.1", one)
	r.tag("m@v0.0.2", two)
	r.sec = 1 << 30 // in the year 2057
	r.tag("m#prod#1", one)
	if _, err := x.Promote(t.Context(), Promotion{Model: "m", Version: "v0.0.2", Stage: "prod", Archive: true}); err != nil {
		t.Fatal(err)
	}
	if got := holders(load(t, x).Models["m"]); got != "archived=v0.0.1 prod=v0.0.2" {
		t.Error(got)
	}
}

// TestPace waits for the next second where two events of a stage would share one,
// which GTO could not tell apart, and does not wait where they do not.
func TestPace(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	waits := 0
	x.sleep = func(d time.Duration) {
		if waits++; d > time.Second {
			t.Errorf("waits %s", d)
		}
		time.Sleep(d)
	}
	for _, stage := range []string{"dev", "qa", "prod"} {
		commit := r.commit()
		if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: commit}); err != nil {
			t.Fatal(err)
		}
		if _, err := x.Promote(t.Context(), Promotion{Model: "m", Stage: stage}); err != nil {
			t.Fatal(err)
		}
	}
	if waits > 0 {
		t.Errorf("%d waits", waits)
	}
	for _, v := range []string{"1", "2", "1"} {
		if _, err := x.Promote(t.Context(), Promotion{Model: "m", Version: v, Stage: "prod", Archive: true}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, e := range load(t, x).Models["m"].Events {
		key := contest(e.TagName, e.Of()) + e.By.Time.String()
		if a, b := time.Now(), e.By.Time; b.After(a) {
			t.Errorf("%s is of the future", e.Tag)
		}
		if e.Stage == "prod" && e.Action == Assign {
			if seen[key] {
				t.Errorf("%s shares its second", e.Tag)
			}
			seen[key] = true
		}
	}
}

// TestConcurrent promotes and registers from many sides at once.
func TestConcurrent(t *testing.T) {
	r := newRepo(t)
	const n = 8
	var commits []string
	for range n {
		commits = append(commits, r.commit())
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			x := r.open()
			ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: commits[i]})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := x.Promote(t.Context(), Promotion{Model: "m", Version: ch.Version, Stage: "prod", Archive: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	m := load(t, r.open()).Models["m"]
	if len(m.Versions) != n || len(m.Holders("prod")) != 1 || len(m.Holders(Archived)) != n-1 {
		t.Errorf("%d versions, %s", len(m.Versions), holders(m))
	}
	for i, v := range m.Versions {
		if v.Number != i+1 {
			t.Errorf("version %s has number %d", v.Name, v.Number)
		}
	}
}

// TestLost lets another program make the same tag between the look and the deed.
func TestLost(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	one, two := r.commit(), r.commit()
	r.tag("m@v0.0.1", one)
	r.tag("m@v0.0.2", two)
	rivals := 0
	x.created = func() {
		if rivals++; rivals <= 3 {
			r.tag(fmt.Sprintf("m#prod#%d", rivals), one)
		}
	}
	asked := 0
	ch, err := x.Promote(t.Context(), Promotion{Model: "m", Version: "2", Stage: "prod", Archive: true, Check: func(*Model, *Version) (Approval, error) {
		asked++
		return Approval{}, nil
	}})
	if err != nil || !slices.Equal(ch.Tags, []string{"m#prod#4", "m#prod!#5", "m#archived#6"}) || asked != 4 {
		t.Error(ch, err, asked)
	}
	if got := holders(load(t, x).Models["m"]); got != "archived=v0.0.1 prod=v0.0.2" {
		t.Error(got)
	}
	var exists *ExistsError
	three := r.commit()
	x.created = func() { x.created = func() {}; r.tag("m@v1.0.0", three) }
	if _, err := x.Register(t.Context(), Registration{Model: "m", Version: "v1.0.0", Commit: r.commit()}); !errors.As(err, &exists) {
		t.Error(err)
	}
	four := r.commit()
	x.created = func() { x.created = func() {}; r.tag("m@v1.0.1", three) }
	if ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: four}); err != nil || ch.Version != "v1.0.2" {
		t.Error(ch, err)
	}
}

// TestAllOrNone makes no tag if one of them cannot be made.
func TestAllOrNone(t *testing.T) {
	r := newRepo(t)
	one := r.commit()
	g, err := git.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.git("tag", "taken")
	by, err := g.Committer()
	if err != nil {
		t.Fatal(err)
	}
	var exists *git.TagsExistError
	err = g.CreateTags(t.Context(), []git.NewTag{{Name: "new", Commit: one, Message: "x\n"}, {Name: "taken", Commit: one, Message: "x\n"}}, git.TagOptions{By: by})
	if !errors.As(err, &exists) || exists.Name != "taken" || r.git("tag") != "taken" {
		t.Error(err, r.git("tag"))
	}
}

// TestLeftover goes on where a git that was killed left the locks of names.
func TestLeftover(t *testing.T) {
	r := newRepo(t)
	x := r.open()
	if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit()}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m#prod#1.lock", "m#prod#2.lock", "m#dev#2.lock"} {
		if err := os.WriteFile(filepath.Join(r.dir, ".git", "refs", "tags", name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	ch, err := x.Promote(t.Context(), Promotion{Model: "m", Stage: "prod"})
	if err != nil || !slices.Equal(ch.Tags, []string{"m#prod#3"}) {
		t.Error(ch, err)
	}
}
