package sql

import (
	"cmp"
	"math"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/xtrepro/xt/track"
)

// model is what a store of the metrics of one run has to be equal to.
type model map[string][]track.Metric

func (m model) log(points []track.Metric) {
	for _, p := range points {
		same := func(q track.Metric) bool { return order(&p, &q) == 0 }
		if !slices.ContainsFunc(m[p.Key], same) {
			m[p.Key] = append(m[p.Key], p)
			slices.SortFunc(m[p.Key], func(a, b track.Metric) int { return order(&a, &b) })
		}
	}
}

// order is the order of a history.
func order(a, b *track.Metric) int {
	x, xNaN := a.Number()
	y, yNaN := b.Number()
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Step, b.Step), cmp.Compare(x, y), cmp.Compare(bit(xNaN), bit(yNaN)))
}

func (m model) latest() (list []track.Metric) {
	for _, points := range m {
		last := points[0]
		for _, p := range points {
			if p.Later(&last) {
				last = p
			}
		}
		list = append(list, last)
	}
	slices.SortFunc(list, func(a, b track.Metric) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

// TestMetricsProperty compares the store with the model after random batches.
func TestMetricsProperty(t *testing.T) {
	s := open(t, sqliteStores(t))
	point := rapid.Custom(func(r *rapid.T) track.Metric {
		value := rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64}), rapid.Float64()).Draw(r, "value")
		return track.Metric{
			Key: rapid.SampledFrom([]string{"a", "b", "c/d"}).Draw(r, "key"), Value: value + 0, // no negative zero
			Step: rapid.Int64Range(-3, 3).Draw(r, "step"), Time: rapid.Int64Range(0, 3).Draw(r, "time"),
		}
	})
	rapid.Check(t, func(r *rapid.T) {
		run, err := s.CreateRun(t.Context(), track.NewRun{})
		if err != nil {
			r.Fatal(err)
		}
		m := model{}
		for _, batch := range rapid.SliceOfN(rapid.SliceOfN(point, 1, 12), 1, 6).Draw(r, "batches") {
			m.log(batch)
			if len(batch) == 1 {
				err = s.LogMetric(t.Context(), run.ID, batch[0])
			} else {
				err = s.LogBatch(t.Context(), run.ID, track.Batch{Metrics: batch})
			}
			if err != nil {
				r.Fatal(err)
			}
		}
		got, err := s.Run(t.Context(), run.ID)
		if d := gocmp.Diff(m.latest(), got.Metrics, cmpopts.EquateNaNs()); d != "" || err != nil {
			r.Fatalf("latest: %v, %s", err, d)
		}
		size := rapid.IntRange(1, 5).Draw(r, "page")
		for key, want := range m {
			var points []track.Metric
			for q := (track.HistoryQuery{RunID: run.ID, Key: key, Max: size}); ; {
				page, err := s.MetricHistory(t.Context(), q)
				if err != nil {
					r.Fatal(err)
				}
				points = append(points, page.Items...)
				if q.PageToken = page.Next; q.PageToken == "" {
					break
				}
			}
			if d := gocmp.Diff(want, points, cmpopts.EquateNaNs()); d != "" {
				r.Fatalf("history of %s: %s", key, d)
			}
		}
	})
}
