package sql

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/xtrepro/xt/track"
)

// searchFixture is five runs, r0 the oldest.
func searchFixture(t *testing.T, s track.Store) {
	ctx := t.Context()
	for i := range int64(5) {
		r := newRun(t, s, track.NewRun{Name: fmt.Sprintf("r%d", i), Start: 10 + i, User: "u" + string(rune('0'+i%2))})
		b := track.Batch{
			Metrics: []track.Metric{{Key: "loss", Value: float64(i) / 2}, {Key: "my acc", Value: -float64(i)}},
			Params:  []track.Param{{Key: "lr", Value: fmt.Sprintf("0.%d", i)}, {Key: "opt", Value: "Adam"}},
			Tags:    []track.Tag{{Key: "mlflow.source.name", Value: "train" + strings.Repeat("_", int(i)) + ".py"}},
		}
		switch i {
		case 3:
			b.Metrics[0].Value = math.NaN()
			b.Tags = append(b.Tags, track.Tag{Key: "odd", Value: "100%"})
		case 4:
			b.Metrics, b.Params = b.Metrics[1:], b.Params[:1]
		}
		check(t, s.LogBatch(ctx, r.ID, b))
		if i == 2 {
			_, err := s.UpdateRun(ctx, r.ID, track.RunUpdate{Status: track.Failed, End: 99})
			check(t, err)
			check(t, s.SetOrigin(ctx, r.ID, track.Origin{Kind: track.StageRun, Stage: "train", Commit: "c0ffee"}))
		}
	}
	other := must[int64](t)(s.CreateExperiment(ctx, track.NewExperiment{Name: "other"}))
	newRun(t, s, track.NewRun{Name: "x", Experiment: other, Start: 1})
	gone := newRun(t, s, track.NewRun{Name: "gone", Start: 100})
	check(t, s.DeleteRun(ctx, gone.ID))
}

func find(t *testing.T, s track.Store, search track.RunSearch) string {
	t.Helper()
	if search.Max == 0 {
		search.Max = 100
	}
	if search.Experiments == nil {
		search.Experiments = []int64{0}
	}
	page, err := s.SearchRuns(t.Context(), search)
	if err != nil {
		t.Errorf("%+v: %v", search, err)
	}
	return runNames(page.Items)
}

func testSearchRuns(t *testing.T, s track.Store) {
	searchFixture(t, s)
	for filter, want := range map[string]string{
		"":                                                    "r4 r3 r2 r1 r0",
		"metrics.loss > 0.5":                                  "r2",
		"metrics.loss >= 0.5":                                 "r2 r1",
		"metrics.loss != 0.5":                                 "r3 r2 r0",
		"metrics.loss <= 1e9":                                 "r2 r1 r0",
		"metric.`my acc` < -2":                                "r4 r3",
		"metrics.none = 0":                                    "",
		"params.lr = '0.1'":                                   "r1",
		"params.lr != '0.1'":                                  "r4 r3 r2 r0",
		"params.opt = 'Adam'":                                 "r3 r2 r1 r0",
		"params.opt LIKE 'adam'":                              "",
		"params.opt ILIKE '%DAM'":                             "r3 r2 r1 r0",
		"params.opt IS NULL":                                  "r4",
		"params.opt IS NOT NULL":                              "r3 r2 r1 r0",
		"params.none != 'x'":                                  "",
		"tags.odd = '100%'":                                   "r3",
		"tags.odd != '100%'":                                  "",
		"tags.mlflow.source.name LIKE 'train\\_%'":            "",
		"tags.`mlflow.source.name` LIKE 'train__.py'":         "r2",
		"tags.none IS NULL AND params.lr = '0.2'":             "r2",
		"start_time > 11 AND attribute.user_id = 'u0'":        "r4 r2",
		"attributes.status = 'FAILED'":                        "r2",
		"end_time < 100":                                      "r2",
		"end_time > 5.5":                                      "r2",
		"run_name ILIKE 'R_' AND Created <= 11":               "r1 r0",
		"attributes.`Run name` = 'r3'":                        "r3",
		"metrics.loss < 3 AND metrics.`my acc` < 0":           "r2 r1",
		"origin.stage = 'train' AND origin.commit LIKE 'c0%'": "r2",
		"tags.`mlflow.runName` = 'r1' AND artifact_uri != ''": "r1",
		"params.lr = '0.3' AND params.opt = 'Adam' AND run_id != ''": "r3",
	} {
		if got := find(t, s, track.RunSearch{Search: track.Search{Filter: filter}}); got != want {
			t.Errorf("%s finds %q, not %q", filter, got, want)
		}
	}
	searchElsewhere(t, s)
}

func searchElsewhere(t *testing.T, s track.Store) {
	if got := find(t, s, track.RunSearch{View: track.DeletedOnly}); got != "gone" {
		t.Errorf("deleted: %q", got)
	}
	if got := find(t, s, track.RunSearch{View: track.All}); got != "gone r4 r3 r2 r1 r0" {
		t.Errorf("all: %q", got)
	}
	if got := find(t, s, track.RunSearch{Experiments: []int64{0, 1, 7}}); got != "r4 r3 r2 r1 r0 x" {
		t.Errorf("two experiments: %q", got)
	}
	one := must[track.Page[track.Run]](t)(s.SearchRuns(t.Context(), track.RunSearch{Search: track.Search{Max: 1}, Experiments: []int64{0}})).Items[0]
	for _, filter := range []string{"run_id IN ('x', '" + one.ID + "')", "run_id = '" + one.ID + "'"} {
		if got := find(t, s, track.RunSearch{Search: track.Search{Filter: filter}}); got != one.Name {
			t.Errorf("%s: %q", filter, got)
		}
	}
	if got := find(t, s, track.RunSearch{Experiments: []int64{}}); got != "" {
		t.Errorf("no experiments: %q", got)
	}
	page := must[track.Page[track.Run]](t)(s.SearchRuns(t.Context(), track.RunSearch{Search: track.Search{Max: 50, Filter: "run_name = 'r2'"}, Experiments: []int64{0}}))
	r := page.Items[0]
	full := must[track.Run](t)(s.Run(t.Context(), r.ID))
	if fmt.Sprint(r.RunInfo, r.Params, r.Tags, r.Metrics, *r.Origin) != fmt.Sprint(full.RunInfo, full.Params, full.Tags, full.Metrics, *full.Origin) {
		t.Errorf("found %+v\nis %+v", r, full)
	}
	_, err := s.SearchRuns(t.Context(), track.RunSearch{Search: track.Search{Max: 50, Filter: "status IN ('FAILED')"}})
	wantError(t, err, track.InvalidParameter, "Only ['run_id'] attributes support comparison with a list of quoted string values.")
	_, err = s.SearchRuns(t.Context(), track.RunSearch{Search: track.Search{Max: 50, Filter: "foo = 'a'"}})
	wantError(t, err, track.InvalidParameter, "Invalid attribute key 'foo'")
}

func testOrderRuns(t *testing.T, s track.Store) {
	searchFixture(t, s)
	for _, c := range []struct{ order, want string }{
		{"metrics.loss", "r0 r1 r2 r3 r4"},
		{"metrics.loss DESC", "r2 r1 r0 r3 r4"},
		{"params.opt", "r3 r2 r1 r0 r4"},
		{"params.opt DESC, metrics.loss DESC", "r2 r1 r0 r3 r4"},
		{"params.lr DESC", "r4 r3 r2 r1 r0"},
		{"tags.odd", "r3 r4 r2 r1 r0"},
		{"start_time", "r0 r1 r2 r3 r4"},
		{"end_time DESC", "r2 r4 r3 r1 r0"},
		{"attributes.user_id DESC, metrics.`my acc`", "r3 r1 r4 r2 r0"},
		{"metrics.none", "r4 r3 r2 r1 r0"},
		{"run_name DESC", "r4 r3 r2 r1 r0"},
	} {
		order := strings.Split(c.order, ", ")
		if got := find(t, s, track.RunSearch{Search: track.Search{OrderBy: order}}); got != c.want {
			t.Errorf("by %s: %q, not %q", c.order, got, c.want)
		}
		if got := paged(t, s, order); got != c.want {
			t.Errorf("by %s in pages: %q, not %q", c.order, got, c.want)
		}
		if q, ok := s.(*Store); ok && order[0][0] != 'a' && valueOrder(order[0]) {
			if got := byValue(t, q, order); got != c.want {
				t.Errorf("by %s along the index: %q, not %q", c.order, got, c.want)
			}
		}
	}
}

func valueOrder(o string) bool {
	return strings.HasPrefix(o, "metrics.") || strings.HasPrefix(o, "params.") || strings.HasPrefix(o, "tags.")
}

// paged finds the runs one by one.
func paged(t *testing.T, s track.Store, order []string) string {
	var all []track.Run
	for q := (track.RunSearch{Search: track.Search{OrderBy: order, Max: 1}, Experiments: []int64{0}}); ; {
		page, err := s.SearchRuns(t.Context(), q)
		check(t, err)
		all = append(all, page.Items...)
		if q.PageToken = page.Next; q.PageToken == "" {
			return runNames(all)
		}
	}
}

// byValue finds the runs two by two in the way that is meant for many runs.
func byValue(t *testing.T, s *Store, order []string) string {
	var all []track.Run
	for offset := 0; ; offset += 2 {
		search := track.RunSearch{Search: track.Search{OrderBy: order, Max: 2}, Experiments: []int64{0}}
		q := runSearch{Store: s, search: &search}
		check(t, q.parse())
		q.offset = offset
		more := false
		check(t, s.view(t.Context(), func(c *conn) error {
			q.c = c
			check(t, q.resolve())
			rows, err := q.byValue()
			check(t, err)
			more = len(rows) > 2
			runs, err := s.loadRuns(c, rows[:min(2, len(rows))], false)
			all = append(all, runs...)
			return err
		}))
		if !more {
			return runNames(all)
		}
	}
}
