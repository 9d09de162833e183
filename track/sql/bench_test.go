package sql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xtrepro/xt/track"
)

// onEachB runs a benchmark on SQLite and on PostgreSQL.
func onEachB(b *testing.B, f func(b *testing.B, s *Store)) {
	b.Run("sqlite", func(b *testing.B) { f(b, open(b, sqliteStores(b))) })
	b.Run("postgres", func(b *testing.B) { f(b, open(b, postgresStores(b)(b))) })
}

func BenchmarkCreateRun(b *testing.B) {
	onEachB(b, func(b *testing.B, s *Store) {
		for b.Loop() {
			newRun(b, s, track.NewRun{Start: 1, User: "u", Tags: []track.Tag{{Key: "mlflow.source.name", Value: "x.py"}}})
		}
	})
}

func BenchmarkLogMetric(b *testing.B) {
	onEachB(b, func(b *testing.B, s *Store) {
		id := newRun(b, s, track.NewRun{}).ID
		for i := int64(0); b.Loop(); i++ {
			check(b, s.LogMetric(b.Context(), id, track.Metric{Key: "loss", Value: float64(i), Step: i, Time: i}))
		}
	})
}

// BenchmarkLogMetricParallel is 32 clients at a time.
func BenchmarkLogMetricParallel(b *testing.B) {
	onEachB(b, func(b *testing.B, s *Store) {
		var n, client atomic.Int64
		var ids [64]string
		for i := range ids {
			ids[i] = newRun(b, s, track.NewRun{}).ID
		}
		b.SetParallelism(32 / runtime.GOMAXPROCS(0))
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			id := ids[int(client.Add(1))%len(ids)]
			for pb.Next() {
				i := n.Add(1)
				check(b, s.LogMetric(context.Background(), id, track.Metric{Key: "loss", Value: float64(i), Step: i, Time: i}))
			}
		})
	})
}

// BenchmarkLogBatch logs 1000 points of 10 curves at once.
func BenchmarkLogBatch(b *testing.B) {
	onEachB(b, func(b *testing.B, s *Store) {
		id := newRun(b, s, track.NewRun{}).ID
		for i := int64(0); b.Loop(); i++ {
			check(b, s.LogBatch(b.Context(), id, track.Batch{Metrics: points(i*100, 1000, 10)}))
		}
	})
}

// points makes n points of some curves from a step on.
func points(step int64, n, curves int) []track.Metric {
	list := make([]track.Metric, n)
	for i := range list {
		at := step + int64(i/curves)
		list[i] = track.Metric{Key: fmt.Sprintf("curve%d", i%curves), Value: float64(at) / 7, Step: at, Time: 1_700_000_000_000 + at}
	}
	return list
}

// manyRuns fills a store with 100,000 runs, of 5 parameters, 5 metrics and 4
// tags each.
func manyRuns(b *testing.B, s *Store) {
	const group = 500
	random := rand.New(rand.NewPCG(1, 2))
	for from := 0; from < 100_000; from += group {
		check(b, s.change(b.Context(), func(t *tx) error {
			for i := from; i < from+group; i++ {
				if err := t.benchRun(i, random); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func (t *tx) benchRun(i int, random *rand.Rand) error {
	n := track.NewRun{ID: track.NewRunID(), Name: fmt.Sprintf("run-%d", i), User: "u", Status: track.Finished, Start: int64(1_700_000_000_000 + i)}
	n.Tags = []track.Tag{{Key: track.RunNameTag, Value: n.Name}, {Key: "mlflow.user", Value: "u"}, {Key: "mlflow.source.name", Value: "train.py"}, {Key: "group", Value: fmt.Sprint(i % 100)}}
	if err := t.createRun(&n, true); err != nil {
		return err
	}
	r, err := t.run(n.ID)
	if err != nil {
		return err
	}
	var params []track.Param
	for p := range 5 {
		params = append(params, track.Param{Key: fmt.Sprintf("p%d", p), Value: fmt.Sprint(random.IntN(10 * (p + 1)))})
	}
	if err := t.logParams(&r, params, nil); err != nil {
		return err
	}
	var metrics []track.Metric
	for m := range 5 {
		metrics = append(metrics, track.Metric{Key: fmt.Sprintf("m%d", m), Value: random.Float64(), Time: int64(i)})
	}
	return t.logMetrics(&r, metrics)
}

// searches are what is measured; MLflow's own server takes 247 ms for a page of
// 200 runs of 200.
var searches = []struct {
	name, filter, order string
	max                 int
}{
	{"newest", "", "", 100},
	{"metric", "metrics.m0 > 0.5", "", 100},
	{"rare", "metrics.m0 > 0.999", "", 100},
	{"none", "metrics.m0 > 2 AND params.p0 = '3'", "", 100},
	{"param", "params.p1 = '7' AND tags.group = '7'", "", 100},
	{"like", "params.p1 LIKE '1%' AND tags.mlflow.user = 'u'", "", 100},
	{"by metric", "", "metrics.m1 DESC", 100},
	{"filter by metric", "metrics.m0 > 0.5 AND params.p0 = '3'", "metrics.m1", 100},
	{"both", "metrics.m0 < 0.1 AND params.p2 != '3'", "metrics.m1 DESC", 100},
	{"by name", "", "attributes.run_name", 100},
	{"by param", "metrics.m0 > 0.5", "params.p3 DESC", 100},
	{"by missing", "", "metrics.none", 100},
	{"thousand", "metrics.m0 > 0.5", "metrics.m1 DESC", 1000},
}

func BenchmarkSearchRuns(b *testing.B) {
	onEachB(b, func(b *testing.B, s *Store) {
		manyRuns(b, s)
		analyze(b, s)
		for _, c := range searches {
			search := track.RunSearch{Search: track.Search{Filter: c.filter, Max: c.max}, Experiments: []int64{0}}
			if c.order != "" {
				search.OrderBy = []string{c.order}
			}
			b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
				for b.Loop() {
					_, err := s.SearchRuns(b.Context(), search)
					check(b, err)
				}
			})
		}
		b.Run("far-page", func(b *testing.B) {
			search := track.RunSearch{Search: track.Search{Max: 100, PageToken: track.OffsetToken(90_000)}, Experiments: []int64{0}}
			for b.Loop() {
				_, err := s.SearchRuns(b.Context(), search)
				check(b, err)
			}
		})
	})
}

// BenchmarkHistory reads a curve of 1,000,000 points in pages of 25,000, as
// MLflow's client does, and samples it.
func BenchmarkHistory(b *testing.B) {
	onEachB(b, func(b *testing.B, s *Store) {
		id := newRun(b, s, track.NewRun{}).ID
		for i := int64(0); i < 1000; i++ {
			check(b, s.LogBatch(b.Context(), id, track.Batch{Metrics: points(i*1000, 1000, 1)}))
		}
		analyze(b, s)
		b.Run("page", func(b *testing.B) {
			q := track.HistoryQuery{RunID: id, Key: "curve0", Max: 25_000}
			for b.Loop() {
				page, err := s.MetricHistory(b.Context(), q)
				check(b, err)
				q.PageToken = page.Next
			}
		})
		b.Run("sample", func(b *testing.B) {
			for b.Loop() {
				_, err := s.SampleHistory(b.Context(), track.SampleQuery{RunIDs: []string{id}, Key: "curve0", Max: 300})
				check(b, err)
			}
		})
		reportMemory(b)
	})
}

// analyze has PostgreSQL do what it does by itself after a minute.
func analyze(b *testing.B, s *Store) {
	if s.postgres {
		_, err := s.write.ExecContext(b.Context(), "ANALYZE")
		check(b, err)
	}
}

// reportMemory reports the most memory that the process has had.
func reportMemory(b *testing.B) {
	status, err := os.ReadFile(filepath.Join("/proc", "self", "status"))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmHWM:") {
			b.Log("peak memory ", strings.TrimSpace(strings.TrimPrefix(line, "VmHWM:")))
		}
	}
}

// TestPlans shows that searches follow indexes: SQLite says how it goes about
// them.
func TestPlans(t *testing.T) {
	s := open(t, sqliteStores(t))
	s.few = 0
	newRun(t, s, track.NewRun{})
	for _, c := range searches {
		search := track.RunSearch{Search: track.Search{Filter: c.filter, Max: 10}, Experiments: []int64{0}}
		if c.order != "" {
			search.OrderBy = []string{c.order}
		}
		q := runSearch{Store: s, search: &search}
		check(t, q.parse())
		check(t, s.view(t.Context(), func(conn *conn) error {
			q.c = conn
			check(t, q.resolve())
			query := q.all(q.by(q.runIndex()))
			if c.order != "" && q.order[0].Kind != 0 {
				query = &text{}
				query.add("SELECT r.id")
				q.withValue(query, 0)
			}
			plan := ""
			err := conn.eachOnce("EXPLAIN QUERY PLAN "+query.String(), query.args, func(scan func(...any) error) error {
				var id, parent, unused int
				var detail string
				err := scan(&id, &parent, &unused, &detail)
				plan += detail + "\n"
				return err
			})
			if strings.Contains(plan, "SCAN r ") || strings.Contains(plan, "USE TEMP B-TREE FOR ORDER BY") {
				t.Errorf("%s:\n%s", c.name, plan)
			}
			return err
		}))
	}
}

// BenchmarkOutlines asks what 20 curves of 50,000 points look like.
func BenchmarkOutlines(b *testing.B) {
	onEachB(b, func(b *testing.B, s *Store) {
		s.curves.close()
		q := track.OutlineQuery{Key: "curve0", Max: 600}
		for range 20 {
			id := newRun(b, s, track.NewRun{}).ID
			q.RunIDs = append(q.RunIDs, id)
			for i := int64(0); i < 50; i++ {
				check(b, s.LogBatch(b.Context(), id, track.Batch{Metrics: points(i*1000, 1000, 1)}))
			}
			check(b, s.sumUp(b.Context(), curveOf(b, s, id, q.Key)))
		}
		analyze(b, s)
		for b.Loop() {
			_, err := s.Outlines(b.Context(), q)
			check(b, err)
		}
	})
}
