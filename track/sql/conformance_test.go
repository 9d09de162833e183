package sql

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xtrepro/xt/track"
)

// TestStore runs what any store has to do on each database.
func TestStore(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		for name, f := range map[string]func(*testing.T, track.Store){
			"experiments": testExperiments, "runs": testRuns, "params": testParams, "metrics": testMetrics, "history": testHistory,
			"batch": testBatch, "inputs": testInputs, "search": testSearchRuns, "order": testOrderRuns, "summaries": testSummaries,
			"models": testLoggedModels, "registry": testRegistry, "prompts": testPrompts, "traces": testTraces, "trace metrics": testTraceMetrics, "artifacts": testArtifacts,
			"records": testRecords, "lines": testLines, "evaluations": testEvaluations, "studies": testStudies, "trials": testTrials, "trial states": testTrialStates, "distributions": testDistributions, "workers": testWorkers,
		} {
			t.Run(name, func(t *testing.T) { f(t, open(t, stores(t))) })
		}
	})
}

// TestSearchMany searches in the ways that are meant for many runs.
func TestSearchMany(t *testing.T) {
	for _, few := range []int64{0, 3} {
		for name, f := range map[string]func(*testing.T, track.Store){"search": testSearchRuns, "order": testOrderRuns, "inputs": testInputs, "summaries": testSummaries} {
			t.Run(name, func(t *testing.T) {
				s := open(t, sqliteStores(t))
				s.few = few
				f(t, s)
			})
		}
	}
}

func testExperiments(t *testing.T, s track.Store) {
	ctx := t.Context()
	d := must[track.Experiment](t)(s.Experiment(ctx, 0))
	if d.Name != "Default" || d.ArtifactLocation != "mlflow-artifacts:/0" || d.Lifecycle != track.Active || d.Created == 0 {
		t.Errorf("the default: %+v", d)
	}
	a := must[int64](t)(s.CreateExperiment(ctx, track.NewExperiment{Name: "a/b c:é", Tags: []track.Tag{{Key: "k", Value: "1"}}}))
	b := must[int64](t)(s.CreateExperiment(ctx, track.NewExperiment{Name: "b", ArtifactLocation: "s3://x/y", Created: 1234}))
	if a != 1 || b != 2 {
		t.Errorf("the first are %d, %d", a, b)
	}
	if e := must[track.Experiment](t)(s.Experiment(ctx, b)); e.Created != 1234 {
		t.Errorf("it was made at %d", e.Created)
	}
	_, err := s.CreateExperiment(ctx, track.NewExperiment{Name: "b"})
	wantError(t, err, track.AlreadyExists, "Experiment(name=b) already exists.")
	_, err = s.CreateExperiment(ctx, track.NewExperiment{Name: "c", ArtifactLocation: "s3://x?y#z"})
	wantError(t, err, track.InvalidParameter, "'artifact_location' URL can't include fragments or params.")
	_, err = s.Experiment(ctx, 42)
	wantError(t, err, track.NotFound, "No Experiment with id=42 exists")
	_, err = s.ExperimentByName(ctx, "nope")
	wantError(t, err, track.NotFound, "Could not find experiment with name 'nope'")

	check(t, s.SetExperimentTag(ctx, a, track.Tag{Key: "k", Value: "2"}))
	check(t, s.SetExperimentTag(ctx, a, track.Tag{Key: "z", Value: ""}))
	check(t, s.DeleteExperimentTag(ctx, a, "z"))
	wantError(t, s.DeleteExperimentTag(ctx, a, "z"), track.NotFound, "No tag with name: z in experiment with id 1")
	e := must[track.Experiment](t)(s.ExperimentByName(ctx, "a/b c:é"))
	if d := cmp.Diff([]track.Tag{{Key: "k", Value: "2"}}, e.Tags); d != "" || e.ID != a {
		t.Error(d)
	}

	run := newRun(t, s, track.NewRun{Experiment: a})
	check(t, s.DeleteExperiment(ctx, a))
	wantError(t, s.DeleteExperiment(ctx, a), track.NotFound, "No Experiment with id=1 exists")
	wantError(t, s.RenameExperiment(ctx, a, "z"), track.InvalidState, "Cannot rename a non-active experiment.")
	wantError(t, s.SetExperimentTag(ctx, a, track.Tag{Key: "a"}), track.InvalidParameter, "The experiment 1 must be in the 'active' state. Current state is deleted.")
	_, err = s.CreateRun(ctx, track.NewRun{Experiment: a})
	wantError(t, err, track.InvalidParameter, "must be in the 'active' state")
	if r := must[track.Run](t)(s.Run(ctx, run.ID)); r.Lifecycle != track.Deleted {
		t.Error("its run is not deleted")
	}
	_, err = s.CreateExperiment(ctx, track.NewExperiment{Name: "a/b c:é"})
	wantError(t, err, track.AlreadyExists, "already exists")
	check(t, s.RestoreExperiment(ctx, a))
	wantError(t, s.RestoreExperiment(ctx, a), track.NotFound, "No Experiment with id=1 exists")
	check(t, s.RenameExperiment(ctx, a, "a"))
	wantError(t, s.RenameExperiment(ctx, a, "b"), track.AlreadyExists, "Experiment(name=b) already exists")
	check(t, s.LogMetric(ctx, run.ID, track.Metric{Key: "m"}))
	searchExperiments(t, s, b)
}

func searchExperiments(t *testing.T, s track.Store, gone int64) {
	check(t, s.DeleteExperiment(t.Context(), gone))
	for _, c := range []struct {
		search track.ExperimentSearch
		want   string
	}{
		{track.ExperimentSearch{}, "a Default"},
		{track.ExperimentSearch{View: track.All}, "b a Default"},
		{track.ExperimentSearch{View: track.DeletedOnly}, "b"},
		{track.ExperimentSearch{Search: track.Search{Filter: "name LIKE 'D%'"}}, "Default"},
		{track.ExperimentSearch{Search: track.Search{Filter: "name LIKE 'd%'"}}, ""},
		{track.ExperimentSearch{Search: track.Search{Filter: "name ILIKE 'dEf%' AND creation_time > 5"}}, "Default"},
		{track.ExperimentSearch{Search: track.Search{Filter: "tags.k = '2'"}}, "a"},
		{track.ExperimentSearch{Search: track.Search{Filter: "tags.k IS NULL"}}, "Default"},
		{track.ExperimentSearch{Search: track.Search{Filter: "experiment_id NOT IN ('0', '7')"}}, "a"},
		{track.ExperimentSearch{Search: track.Search{OrderBy: []string{"name"}}}, "Default a"},
		{track.ExperimentSearch{Search: track.Search{OrderBy: []string{"experiment_id DESC"}}}, "a Default"},
	} {
		c.search.Max = 10
		page, err := s.SearchExperiments(t.Context(), c.search)
		var names []string
		for _, e := range page.Items {
			names = append(names, e.Name)
		}
		if got := strings.Join(names, " "); got != c.want && !(c.search.OrderBy == nil && len(names) > 1 && sameWords(got, c.want)) || err != nil {
			t.Errorf("%+v: %s, %v", c.search, got, err)
		}
	}
	page := must[track.Page[track.Experiment]](t)(s.SearchExperiments(t.Context(), track.ExperimentSearch{Search: track.Search{Max: 1}}))
	next := must[track.Page[track.Experiment]](t)(s.SearchExperiments(t.Context(), track.ExperimentSearch{Search: track.Search{Max: 1, PageToken: page.Next}}))
	if len(page.Items) != 1 || page.Next != "eyJvZmZzZXQiOiAxfQ==" || len(next.Items) != 1 || next.Next != "" || next.Items[0].ID == page.Items[0].ID {
		t.Errorf("pages: %+v, %+v", page, next)
	}
	_, err := s.SearchExperiments(t.Context(), track.ExperimentSearch{})
	wantError(t, err, track.InvalidParameter, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer")
	_, err = s.SearchExperiments(t.Context(), track.ExperimentSearch{Search: track.Search{Max: 1, PageToken: "zzz"}})
	wantError(t, err, track.InvalidParameter, "Invalid page token, could not base64-decode")
}

// sameWords is for what was created in the same millisecond.
func sameWords(a, b string) bool {
	count := map[string]int{}
	for _, w := range strings.Fields(a) {
		count[w]++
	}
	for _, w := range strings.Fields(b) {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func testRuns(t *testing.T, s track.Store) {
	ctx := t.Context()
	origin := track.Origin{Kind: track.StageRun, Stage: "train", Command: "python train.py", Fingerprint: "ab", Lock: "[stage]\n", Commit: "c0", Dirty: true, Diff: "dd", Log: "ll", ExitCode: -1, Duration: 12}
	r := newRun(t, s, track.NewRun{Experiment: 0, User: "u", Start: 7, Tags: []track.Tag{{Key: "a", Value: "1"}}, Origin: &origin})
	if len(r.ID) != 32 || r.Name == "" || tagOf(r.Tags, track.RunNameTag) != r.Name || r.Status != track.Running || r.User != "u" || r.Start != 7 ||
		r.ArtifactURI != "mlflow-artifacts:/0/"+r.ID+"/artifacts" || r.Lifecycle != track.Active {
		t.Errorf("%+v", r)
	}
	if d := cmp.Diff(&origin, r.Origin); d != "" {
		t.Error(d)
	}
	_, err := s.CreateRun(ctx, track.NewRun{Name: "A", Tags: []track.Tag{{Key: track.RunNameTag, Value: "B"}}})
	wantError(t, err, track.InvalidParameter, "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='A', mlflow.runName='B').")
	_, err = s.CreateRun(ctx, track.NewRun{ID: r.ID})
	wantError(t, err, track.AlreadyExists, r.ID)
	_, err = s.CreateRun(ctx, track.NewRun{Experiment: 5})
	wantError(t, err, track.NotFound, "No Experiment with id=5 exists")
	_, err = s.Run(ctx, "nope")
	wantError(t, err, track.NotFound, "Run with id=nope not found")

	check(t, s.SetTag(ctx, r.ID, track.Tag{Key: track.RunNameTag, Value: "via tag"}))
	if r = must[track.Run](t)(s.Run(ctx, r.ID)); r.Name != "via tag" {
		t.Errorf("the tag did not rename it: %s", r.Name)
	}
	info := must[track.RunInfo](t)(s.UpdateRun(ctx, r.ID, track.RunUpdate{Name: "via update", Status: track.Finished, End: 9}))
	r = must[track.Run](t)(s.Run(ctx, r.ID))
	if info != r.RunInfo || r.Name != "via update" || tagOf(r.Tags, track.RunNameTag) != "via update" || r.Status != track.Finished || r.End != 9 {
		t.Errorf("%+v", r)
	}
	check(t, s.DeleteTag(ctx, r.ID, "a"))
	wantError(t, s.DeleteTag(ctx, r.ID, "a"), track.NotFound, "No tag with name: a in run with id "+r.ID)
	wantError(t, s.SetTag(ctx, r.ID, track.Tag{Key: strings.Repeat("k", 251)}), track.InvalidParameter, "'key' exceeds the maximum length of 250 characters")
	check(t, s.SetTag(ctx, r.ID, track.Tag{Key: "long", Value: strings.Repeat("é", 8001)}))
	check(t, s.RecordModel(ctx, r.ID, `{"a":1}`))
	check(t, s.RecordModel(ctx, r.ID, `{"b": 2}`))
	r = must[track.Run](t)(s.Run(ctx, r.ID))
	if got := tagOf(r.Tags, track.ModelsTag); got != `[{"a":1},{"b":2}]` {
		t.Errorf("models: %s", got)
	}
	if got := tagOf(r.Tags, "long"); got != strings.Repeat("é", 8000) {
		t.Errorf("the long tag has %d bytes", len(got))
	}
	testDeletedRun(t, s, r.ID)
}

func testDeletedRun(t *testing.T, s track.Store, id string) {
	ctx := t.Context()
	wantError(t, s.PurgeRun(ctx, id), track.InvalidState, "must be in the 'deleted' state")
	for range 2 {
		check(t, s.DeleteRun(ctx, id))
	}
	deleted := "The run " + id + " must be in the 'active' state. Current state is deleted."
	wantError(t, s.SetTag(ctx, id, track.Tag{Key: "a"}), track.InvalidParameter, deleted)
	wantError(t, s.DeleteTag(ctx, id, "a"), track.InvalidParameter, deleted)
	wantError(t, s.LogMetric(ctx, id, track.Metric{Key: "a"}), track.InvalidParameter, deleted)
	wantError(t, s.LogBatch(ctx, id, track.Batch{}), track.InvalidParameter, deleted)
	_, err := s.UpdateRun(ctx, id, track.RunUpdate{})
	wantError(t, err, track.InvalidParameter, deleted)
	for range 2 {
		check(t, s.RestoreRun(ctx, id))
	}
	check(t, s.LogMetric(ctx, id, track.Metric{Key: "a"}))
	check(t, s.DeleteRun(ctx, id))
	check(t, s.PurgeRun(ctx, id))
	_, err = s.Run(ctx, id)
	wantError(t, err, track.NotFound, id)
}

func testParams(t *testing.T, s track.Store) {
	ctx := t.Context()
	id := newRun(t, s, track.NewRun{}).ID
	for range 2 {
		check(t, s.LogParam(ctx, id, track.Param{Key: "p", Value: "1"}))
	}
	wantError(t, s.LogParam(ctx, id, track.Param{Key: "p", Value: "2"}), track.InvalidParameter,
		"Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='"+id+"'. Attempted logging new value '2'.")
	check(t, s.LogParam(ctx, id, track.Param{Key: "long", Value: strings.Repeat("x", 6001)}))
	wantError(t, s.LogParam(ctx, id, track.Param{Key: strings.Repeat("k", 251)}), track.InvalidParameter, "'Param key' exceeds the maximum length of 250 characters")
	wantError(t, s.LogParam(ctx, id, track.Param{Key: "../x"}), track.InvalidParameter, "This name would resolve to '../x'")
	wantError(t, s.LogParam(ctx, id, track.Param{Key: "a;b"}), track.InvalidParameter, `Invalid value "a;b" for parameter 'key' supplied: Names may only contain`)
	wantError(t, s.LogParam(ctx, "nope", track.Param{Key: "p"}), track.NotFound, "Run with id=nope not found")
	r := must[track.Run](t)(s.Run(ctx, id))
	if len(r.Params) != 2 || r.Params[0].Key != "long" || len(r.Params[0].Value) != 6000 || r.Params[1].Value != "1" {
		t.Errorf("%d params", len(r.Params))
	}
	if strings.Contains(t.Name(), "postgres") {
		wantError(t, s.LogParam(ctx, id, track.Param{Key: "zero", Value: "a\x00b"}), track.InvalidParameter, "does not take a value")
		check(t, s.LogParam(ctx, id, track.Param{Key: "zero", Value: "ab"}))
	}
}

func testBatch(t *testing.T, s track.Store) {
	ctx := t.Context()
	id := newRun(t, s, track.NewRun{}).ID
	check(t, s.LogBatch(ctx, id, track.Batch{
		Metrics: []track.Metric{{Key: "m", Value: 1, Time: 1}, {Key: "m", Value: 3, Step: 1}, {Key: "m", Value: 2, Step: 1}},
		Params:  []track.Param{{Key: "p", Value: "1"}, {Key: "other", Value: "1"}},
		Tags:    []track.Tag{{Key: "t", Value: "1"}, {Key: "t", Value: "2"}, {Key: track.RunNameTag, Value: "named"}},
	}))
	r := must[track.Run](t)(s.Run(ctx, id))
	if d := cmp.Diff([]track.Metric{{Key: "m", Value: 3, Step: 1}}, r.Metrics); d != "" || tagOf(r.Tags, "t") != "2" || r.Name != "named" {
		t.Errorf("%+v, %s", r, d)
	}
	// All of it or nothing.
	wantError(t, s.LogBatch(ctx, id, track.Batch{
		Metrics: []track.Metric{{Key: "atom", Value: 1}}, Tags: []track.Tag{{Key: "atom", Value: "1"}},
		Params: []track.Param{{Key: "new", Value: "1"}, {Key: "p", Value: "zzz"}},
	}), track.InvalidParameter, "Changing param values is not allowed. Params were already logged='[{'key': 'p', 'old_value': '1', 'new_value': 'zzz'}]' for run ID='"+id+"'.")
	if after := must[track.Run](t)(s.Run(ctx, id)); cmp.Diff(r, after) != "" {
		t.Error("part of it was written")
	}
	for want, b := range map[string]track.Batch{
		"A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again.": {Metrics: many(1001, track.Metric{Key: "m"})},
		"at most 100 params. Got 101 params":                                          {Params: many(101, track.Param{Key: "p"})},
		"at most 100 tags. Got 101 tags":                                              {Tags: many(101, track.Tag{Key: "p"})},
		"at most 1000 metrics, params, and tags. Got 1050 metrics, params, and tags.": {Metrics: many(1000, track.Metric{Key: "m"}), Tags: many(50, track.Tag{Key: "t"})},
		"Duplicate parameter keys have been submitted: ['p'].":                        {Params: many(2, track.Param{Key: "p"})},
		"Invalid value \"\" for parameter 'metrics[1].name' supplied":                 {Metrics: []track.Metric{{Key: "m"}, {}}},
		"Invalid value -1 for parameter 'metrics[0].timestamp' supplied":              {Metrics: []track.Metric{{Key: "m", Time: -1}}},
	} {
		wantError(t, s.LogBatch(ctx, id, b), track.InvalidParameter, want)
	}
	wantError(t, s.LogBatch(ctx, "nope", track.Batch{}), track.NotFound, "Run with id=nope not found")
	check(t, s.LogBatch(ctx, id, track.Batch{Metrics: many(1000, track.Metric{Key: "m"})}))
}

func many[T any](n int, v T) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = v
	}
	return list
}

func testMetrics(t *testing.T, s track.Store) {
	ctx := t.Context()
	id := newRun(t, s, track.NewRun{}).ID
	nan, inf := math.NaN(), math.Inf(1)
	for _, m := range []track.Metric{
		{Key: "a", Value: 1, Step: -5, Time: 1}, {Key: "a", Value: 1, Step: -5, Time: 1}, {Key: "a", Value: 0.5, Step: -5, Time: 1},
		{Key: "b", Value: nan, Time: 2}, {Key: "b", Value: nan, Time: 2}, {Key: "b", Value: 5, Time: 1}, {Key: "c", Value: inf}, {Key: "d", Value: -inf},
		{Key: "e", Value: math.MaxFloat64, Step: math.MaxInt64}, {Key: "e", Value: 5e-324, Step: math.MinInt64, Time: math.MaxInt64},
	} {
		check(t, s.LogMetric(ctx, id, m))
	}
	want := []track.Metric{
		{Key: "a", Value: 1, Step: -5, Time: 1}, {Key: "b", Value: nan, Time: 2}, {Key: "c", Value: inf}, {Key: "d", Value: -inf},
		{Key: "e", Value: math.MaxFloat64, Step: math.MaxInt64},
	}
	if d := cmp.Diff(want, must[track.Run](t)(s.Run(ctx, id)).Metrics, cmpopts.EquateNaNs()); d != "" {
		t.Error(d)
	}
	page := must[track.Page[track.Metric]](t)(s.MetricHistory(ctx, track.HistoryQuery{RunID: id, Key: "a"}))
	if d := cmp.Diff([]track.Metric{{Key: "a", Value: 0.5, Step: -5, Time: 1}, {Key: "a", Value: 1, Step: -5, Time: 1}}, page.Items); d != "" {
		t.Error(d)
	}
	wantError(t, s.LogMetric(ctx, id, track.Metric{Key: strings.Repeat("k", 251)}), track.InvalidParameter, "'Metric name' exceeds the maximum length of 250 characters")
}

func testHistory(t *testing.T, s track.Store) {
	ctx := t.Context()
	id := newRun(t, s, track.NewRun{}).ID
	var want []track.Metric
	for i := range int64(1000) {
		want = append(want, track.Metric{Key: "m", Time: i / 3, Step: i, Value: float64(i % 7)})
	}
	want[4].Value, want[5].Value = math.Inf(1), math.NaN()
	check(t, s.LogBatch(ctx, id, track.Batch{Metrics: want}))
	var got []track.Metric
	for q := (track.HistoryQuery{RunID: id, Key: "m", Max: 7}); ; {
		page := must[track.Page[track.Metric]](t)(s.MetricHistory(ctx, q))
		got = append(got, page.Items...)
		if q.PageToken = page.Next; q.PageToken == "" {
			break
		}
	}
	if d := cmp.Diff(want, got, cmpopts.EquateNaNs()); d != "" {
		t.Error(d)
	}
	page := must[track.Page[track.Metric]](t)(s.MetricHistory(ctx, track.HistoryQuery{RunID: id, Key: "none", Max: 3}))
	if page.Items != nil || page.Next != "" {
		t.Errorf("%+v", page)
	}
	_, err := s.MetricHistory(ctx, track.HistoryQuery{RunID: id, Key: "m", PageToken: "eyJvZmZzZXQiOiAxfQ=="})
	wantError(t, err, track.InvalidParameter, "Invalid page token")

	sample := must[[]track.Metric](t)(s.SampleHistory(ctx, track.SampleQuery{RunIDs: []string{id}, Key: "m", Max: 3}))
	if len(sample) != 3 || sample[0].Step != 0 || sample[1].Step != 334 || sample[2].Step != 999 || sample[0].RunID != id {
		t.Errorf("sample: %+v", sample)
	}
	from, to := int64(10), int64(12)
	sample = must[[]track.Metric](t)(s.SampleHistory(ctx, track.SampleQuery{RunIDs: []string{id, id}, Key: "m", Max: 3, From: &from, To: &to}))
	if len(sample) != 6 || sample[0].Step != 10 || sample[5].Step != 12 {
		t.Errorf("sample of a range: %+v", sample)
	}
}

func runNames(runs []track.Run) string {
	list := make([]string, len(runs))
	for i, r := range runs {
		list[i] = r.Name
	}
	return strings.Join(list, " ")
}
