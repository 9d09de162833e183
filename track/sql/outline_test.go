package sql

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xtrepro/xt/track"
)

// curveOf returns the key of the curve of a run.
func curveOf(t testing.TB, s *Store, id, key string) (k curveKey) {
	t.Helper()
	check(t, s.view(t.Context(), func(c *conn) error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		k.run = r.row
		k.name, err = s.nameID(c, key)
		return err
	}))
	return k
}

// segments returns how many a curve has.
func segments(t testing.TB, s *Store, k curveKey) (n int) {
	t.Helper()
	check(t, s.view(t.Context(), func(c *conn) error {
		return c.row("SELECT count(*) FROM segments WHERE run = ? AND name = ?", []any{k.run, k.name}, &n)
	}))
	return n
}

// wild returns a curve with peaks, gaps, equal times, and steps that begin again.
func wild(random *rand.Rand, n int) []track.Metric {
	list := make([]track.Metric, n)
	step, time := int64(0), int64(1_700_000_000_000)
	for i := range list {
		if step += 1 + random.Int64N(3); random.IntN(n/2+1) == 0 {
			step /= 2
		}
		time += random.Int64N(3)
		m := track.Metric{Key: "m", Step: step, Time: time, Value: random.NormFloat64()}
		switch random.IntN(500) {
		case 0:
			m.Value = math.NaN()
		case 1:
			m.Value = math.Inf(1 - 2*random.IntN(2))
		case 2:
			m.Value *= 1e6
		}
		list[i] = m
	}
	return list
}

// TestOutlines compares outlines with all the points of a curve, whatever is summed up
// of it.
func TestOutlines(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		s := open(t, stores(t))
		s.curves.close() // the test says when
		for n, seed := range []uint64{1, 2, 3} {
			random := rand.New(rand.NewPCG(seed, 0))
			id := newRun(t, s, track.NewRun{}).ID
			points := wild(random, []int{700, 5_000, 50_000}[n])
			for batch := range slices.Chunk(points, 1000) {
				check(t, s.LogBatch(t.Context(), id, track.Batch{Metrics: batch}))
			}
			k := curveOf(t, s, id, "m")
			checkOutlines(t, s, id, points, random)
			check(t, s.sumUp(t.Context(), k))
			if got := segments(t, s, k); got < len(points)*9/10/segmentPoints || got > len(points)/segmentPoints {
				t.Errorf("%d segments of %d points", got, len(points))
			}
			checkOutlines(t, s, id, points, random)

			// One that is late, and one at the end.
			late := points[len(points)*3/4]
			late.Time, late.Value = late.Time-1, 1e9
			last := points[len(points)-1]
			last.Time, last.Step = last.Time+5, last.Step+5
			had := segments(t, s, k)
			for _, m := range []track.Metric{late, last} {
				check(t, s.LogMetric(t.Context(), id, m))
				points = append(points, m)
			}
			if got := segments(t, s, k); had > 4 && (got >= had || got < had/2) {
				t.Errorf("%d segments after a point that is late, %d before", got, had)
			}
			checkOutlines(t, s, id, points, random)
			check(t, s.sumUp(t.Context(), k))
			checkOutlines(t, s, id, points, random)

			check(t, s.DeleteRun(t.Context(), id))
			check(t, s.PurgeRun(t.Context(), id))
			if got := segments(t, s, k); got != 0 {
				t.Errorf("%d segments of a run that is gone", got)
			}
		}
	})
}

func checkOutlines(t *testing.T, s *Store, id string, points []track.Metric, random *rand.Rand) {
	t.Helper()
	top := slices.MaxFunc(points, func(a, b track.Metric) int { return int(a.Step - b.Step) }).Step
	checkOutline(t, s, id, points, track.OutlineQuery{Max: 100})
	checkOutline(t, s, id, points, track.OutlineQuery{Max: len(points)})
	for range 5 {
		from := random.Int64N(top)
		to := from + random.Int64N(top-from+1)
		checkOutline(t, s, id, points, track.OutlineQuery{Max: 50 + random.IntN(500), From: &from, To: &to})
	}
}

// checkOutline checks that an outline has the points that it is to have, and none that
// the curve has not.
func checkOutline(t *testing.T, s *Store, id string, metrics []track.Metric, q track.OutlineQuery) {
	t.Helper()
	q.RunIDs, q.Key = []string{id}, "m"
	list := must[[]track.Outline](t)(s.Outlines(t.Context(), q))
	if len(list) != 1 || list[0].RunID != id {
		t.Fatalf("%+v", list)
	}
	line := list[0]
	where := fmt.Sprintf("%d points, at most %d", len(metrics), q.Max)
	o := outliner{from: math.MinInt64, to: math.MaxInt64}
	if q.From != nil {
		o.from, o.to = *q.From, *q.To
		where += fmt.Sprintf(", from %d to %d", o.from, o.to)
	}
	there := map[pointKey]bool{}
	var all []track.Point
	for _, m := range metrics {
		if p := (track.Point{Time: m.Time, Step: m.Step, Value: m.Value}); !there[keyOf(p)] && m.Step >= o.from && m.Step <= o.to {
			there[keyOf(p)] = true
			all = append(all, p)
		}
	}
	slices.SortFunc(all, comparePoints)
	all = o.inOrder(all)
	if line.Means == nil {
		if d := cmp.Diff(all, line.Points, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" || len(all) > q.Max {
			t.Fatalf("%s: %s", where, d)
		}
		return
	}
	if len(line.Points) > q.Max+8 || len(line.Means) > len(line.Points) {
		t.Errorf("%s: %d points, %d means", where, len(line.Points), len(line.Means))
	}
	for _, p := range line.Points {
		if !there[keyOf(p)] {
			t.Errorf("%s: there is no %+v", where, p)
		}
	}
	if q.From != nil { // blocks at the ends count as a whole
		return
	}
	finite := func(points []track.Point) (list []track.Point) {
		for _, p := range points {
			if isFinite(p.Value) {
				list = append(list, p)
			}
		}
		return list
	}
	byValue := func(a, b track.Point) int { return int(math.Copysign(1, a.Value-b.Value)) }
	for name, pick := range map[string]func([]track.Point) float64{
		"least":    func(p []track.Point) float64 { return slices.MinFunc(finite(p), byValue).Value },
		"greatest": func(p []track.Point) float64 { return slices.MaxFunc(finite(p), byValue).Value },
		"first":    func(p []track.Point) float64 { return float64(slices.MinFunc(p, comparePoints).Time) },
		"last":     func(p []track.Point) float64 { return float64(slices.MaxFunc(p, comparePoints).Time) },
	} {
		if got, want := pick(line.Points), pick(all); got != want {
			t.Errorf("%s: the %s point is %g, not %g", where, name, got, want)
		}
	}
}

// TestOutlineOf asks for what is not there.
func TestOutlineOf(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		s := open(t, stores(t))
		id := newRun(t, s, track.NewRun{}).ID
		list := must[[]track.Outline](t)(s.Outlines(t.Context(), track.OutlineQuery{RunIDs: []string{id, id}, Key: "none", Max: 10}))
		if d := cmp.Diff([]track.Outline{{RunID: id}, {RunID: id}}, list, cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
		_, err := s.Outlines(t.Context(), track.OutlineQuery{RunIDs: []string{"none"}, Key: "m", Max: 10})
		wantError(t, err, track.NotFound, "none")
	})
}

// TestSummarizer has a curve summed up that is read, and those that are written.
func TestSummarizer(t *testing.T) {
	s := open(t, sqliteStores(t))
	id := newRun(t, s, track.NewRun{}).ID
	for i := int64(0); i < 64; i++ {
		check(t, s.LogBatch(t.Context(), id, track.Batch{Metrics: points(i*1000, 1000, 1)}))
	}
	k := curveOf(t, s, id, "curve0")
	for n := 0; n < 62; {
		_, err := s.Outlines(t.Context(), track.OutlineQuery{RunIDs: []string{id}, Key: "curve0", Max: 10})
		check(t, err)
		n = segments(t, s, k)
	}
}

// FuzzBlocks reads what is no block, and reads again what was written.
func FuzzBlocks(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 40, 1024} {
		var points []track.Point
		for _, m := range wild(random, n) {
			points = append(points, track.Point{Time: m.Time, Step: m.Step, Value: m.Value})
		}
		slices.SortFunc(points, comparePoints)
		blocks := blocksOf(nil, points, blockPoints)
		b := encodeBlocks(blocks)
		got := must[[]block](f)(decodeBlocks(b, nil))
		if d := cmp.Diff(blocks, got, cmp.AllowUnexported(block{}), cmpopts.EquateNaNs()); d != "" {
			f.Fatal(d)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		blocks, err := decodeBlocks(b, nil)
		if err != nil {
			return
		}
		for i := range blocks {
			blocks[i].points()
			blocks[i].mean()
		}
		join(blocks, 3)
	})
}
