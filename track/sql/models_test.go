package sql

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xtrepro/xt/track"
)

func testLoggedModels(t *testing.T, s track.Store) {
	ctx := t.Context()
	run := newRun(t, s, track.NewRun{})
	m := must[track.LoggedModel](t)(s.CreateLoggedModel(ctx, track.NewLoggedModel{Name: "net", Type: "torch", SourceRun: run.ID,
		Params: []track.Param{{Key: "p", Value: "1"}}, Tags: []track.Tag{{Key: "t", Value: "1"}}}))
	if !strings.HasPrefix(m.ID, "m-") || len(m.ID) != 34 || m.Status != track.ModelPending || m.ArtifactURI != "mlflow-artifacts:/0/models/"+m.ID+"/artifacts" {
		t.Errorf("%+v", m)
	}
	second := must[track.LoggedModel](t)(s.CreateLoggedModel(ctx, track.NewLoggedModel{}))
	if old := must[track.LoggedModel](t)(s.CreateLoggedModel(ctx, track.NewLoggedModel{ID: "m-" + run.ID, Created: 1234})); old.ID != "m-"+run.ID || old.Created != 1234 {
		t.Errorf("the old one is %+v", old)
	}
	_, err := s.CreateLoggedModel(ctx, track.NewLoggedModel{ID: "m-" + run.ID})
	wantError(t, err, track.AlreadyExists, "already exists")
	check(t, s.DeleteLoggedModel(ctx, "m-"+run.ID))
	_, err = s.CreateLoggedModel(ctx, track.NewLoggedModel{Name: "a/b"})
	wantError(t, err, track.InvalidParameter, "Invalid model name ('a/b') provided. Model name must be a non-empty string and cannot contain")
	check(t, s.LogModelParams(ctx, m.ID, []track.Param{{Key: "q", Value: "2"}}))
	check(t, s.SetModelTags(ctx, m.ID, []track.Tag{{Key: "t", Value: "2"}, {Key: "u", Value: "3"}, {Key: "u", Value: "4"}}))
	check(t, s.DeleteModelTag(ctx, m.ID, "t"))
	wantError(t, s.DeleteModelTag(ctx, m.ID, "t"), track.NotFound, "No tag with key 't' found for model with ID '"+m.ID+"'.")
	m = must[track.LoggedModel](t)(s.FinalizeLoggedModel(ctx, m.ID, track.ModelReady))
	point := track.Metric{Key: "acc", Value: 0.9, Time: 5, ModelID: m.ID, DatasetName: "d", DatasetDigest: "1"}
	for range 2 {
		check(t, s.LogMetric(ctx, run.ID, point))
		check(t, s.LogBatch(ctx, run.ID, track.Batch{Metrics: []track.Metric{{Key: "acc", Value: math.NaN(), Time: 6, ModelID: second.ID}, {Key: "other", Value: 1}}}))
	}
	wantError(t, s.LogMetric(ctx, run.ID, track.Metric{Key: "acc", ModelID: "m-0"}), track.NotFound, "Logged model with ID 'm-0' not found.")
	m = must[track.LoggedModel](t)(s.LoggedModel(ctx, m.ID))
	point.RunID = run.ID
	want := track.LoggedModel{ID: m.ID, Name: "net", Type: "torch", SourceRun: run.ID, Status: track.ModelReady, ArtifactURI: m.ArtifactURI, Lifecycle: track.Active,
		Created: m.Created, Updated: m.Updated, Params: []track.Param{{Key: "p", Value: "1"}, {Key: "q", Value: "2"}}, Tags: []track.Tag{{Key: "u", Value: "4"}}, Metrics: []track.Metric{point}}
	if d := cmp.Diff(want, m, cmpopts.EquateNaNs()); d != "" {
		t.Error(d)
	}
	if r := must[track.Run](t)(s.Run(ctx, run.ID)); len(r.Metrics) != 2 {
		t.Errorf("the run has %+v", r.Metrics)
	}
	searchLoggedModels(t, s, m.ID, second.ID)
	check(t, s.DeleteLoggedModel(ctx, m.ID))
	_, err = s.LoggedModel(ctx, m.ID)
	wantError(t, err, track.NotFound, "Logged model with ID '"+m.ID+"' not found.")
}

func searchLoggedModels(t *testing.T, s track.Store, first, second string) {
	d := []track.DatasetName{{Name: "d"}}
	for _, c := range []struct {
		search track.LoggedModelSearch
		want   string
	}{
		{track.LoggedModelSearch{Order: []track.ModelOrder{{Field: "metrics.acc"}}}, first + " " + second},
		{track.LoggedModelSearch{Order: []track.ModelOrder{{Field: "metrics.acc", Descending: true, DatasetName: "d", DatasetDigest: "1"}}}, first + " " + second},
		{track.LoggedModelSearch{Order: []track.ModelOrder{{Field: "metrics.acc", Descending: true, DatasetDigest: "1"}}}, first + " " + second},
		{track.LoggedModelSearch{Order: []track.ModelOrder{{Field: "metrics.acc", Descending: true, DatasetDigest: "9"}}}, second + " " + first},
		{track.LoggedModelSearch{Order: []track.ModelOrder{{Field: "creation_time"}, {Field: "model_id"}}, Search: track.Search{Filter: "name = 'net'"}}, first},
		{track.LoggedModelSearch{Search: track.Search{Filter: "metrics.acc > 0.5 AND params.p = '1' AND tags.u LIKE '4%'"}}, first},
		{track.LoggedModelSearch{Search: track.Search{Filter: "metrics.acc != 0.9"}}, second},
		{track.LoggedModelSearch{Search: track.Search{Filter: "metrics.acc != 0.9"}, Datasets: d}, ""},
		{track.LoggedModelSearch{Datasets: d}, first},
		{track.LoggedModelSearch{Datasets: []track.DatasetName{{Name: "e"}, {Name: "d", Digest: "2"}}}, ""},
		{track.LoggedModelSearch{Search: track.Search{Filter: "status = 'READY' AND creation_time > 0"}}, first},
		{track.LoggedModelSearch{Search: track.Search{Filter: "status = 'LOGGED_MODEL_PENDING'"}}, second},
		{track.LoggedModelSearch{Search: track.Search{Filter: "source_run_id = 'nope'"}}, ""},
	} {
		c.search.Max, c.search.Experiments = 10, []int64{0}
		page, err := s.SearchLoggedModels(t.Context(), c.search)
		var ids []string
		for _, m := range page.Items {
			ids = append(ids, m.ID)
		}
		if got := strings.Join(ids, " "); got != c.want || err != nil {
			t.Errorf("%+v: %s, %v", c.search, got, err)
		}
	}
	_, err := s.SearchLoggedModels(t.Context(), track.LoggedModelSearch{Search: track.Search{Max: 1}, Order: []track.ModelOrder{{Field: "params.x"}}})
	wantError(t, err, track.InvalidParameter, "Invalid order by field name: params.x. Only metrics are supported.")
}

func testRegistry(t *testing.T, s track.Store) {
	ctx := t.Context()
	m := must[track.RegisteredModel](t)(s.CreateRegisteredModel(ctx, "m", "about", []track.Tag{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}}))
	if m.Name != "m" || m.Description != "about" || tagOf(m.Tags, "a") != "2" || m.Created == 0 || m.Latest != nil {
		t.Errorf("%+v", m)
	}
	_, err := s.CreateRegisteredModel(ctx, "m", "", nil)
	wantError(t, err, track.AlreadyExists, "Registered Model (name=m) already exists.")
	_, err = s.CreateRegisteredModel(ctx, "", "", nil)
	wantError(t, err, track.InvalidParameter, "Missing value for required parameter 'name'.")
	_, err = s.RegisteredModel(ctx, "none")
	wantError(t, err, track.NotFound, "Registered Model with name=none not found")
	for i := range 3 {
		v := must[track.ModelVersion](t)(s.CreateModelVersion(ctx, track.NewModelVersion{Name: "m", Source: "s", RunID: "r", ModelID: "m-1", Tags: []track.Tag{{Key: "n", Value: string(rune('1' + i))}}}))
		if v.Version != int64(i+1) || v.Stage != "None" || v.Status != "READY" {
			t.Errorf("%+v", v)
		}
	}
	_, err = s.CreateModelVersion(ctx, track.NewModelVersion{Name: "none"})
	wantError(t, err, track.NotFound, "none")
	_, err = s.ModelVersion(ctx, "m", 9)
	wantError(t, err, track.NotFound, "Model Version (name=m, version=9) not found")

	must[track.ModelVersion](t)(s.StageModelVersion(ctx, "m", 1, "production", false))
	v := must[track.ModelVersion](t)(s.StageModelVersion(ctx, "m", 2, "PRODUCTION", true))
	if old := must[track.ModelVersion](t)(s.ModelVersion(ctx, "m", 1)); v.Stage != "Production" || old.Stage != "Archived" {
		t.Errorf("%s, %s", v.Stage, old.Stage)
	}
	_, err = s.StageModelVersion(ctx, "m", 1, "Bogus", false)
	wantError(t, err, track.InvalidParameter, "Invalid Model Version stage: Bogus. Value must be one of None, Staging, Production, Archived.")
	_, err = s.StageModelVersion(ctx, "m", 1, "None", true)
	wantError(t, err, track.InvalidParameter, "is not an Active stage")
	latest := must[[]track.ModelVersion](t)(s.LatestVersions(ctx, "m", []string{"production", "none"}))
	if len(latest) != 2 || latest[0].Version != 2 || latest[1].Version != 3 {
		t.Errorf("%+v", latest)
	}
	testOldVersions(t, s)
	testAliases(t, s)
	v = must[track.ModelVersion](t)(s.DescribeModelVersion(ctx, "m", 3, "third"))
	check(t, s.SetModelVersionTag(ctx, "m", 3, track.Tag{Key: "n", Value: "x"}))
	check(t, s.DeleteModelVersionTag(ctx, "m", 3, "none"))
	if got := must[track.ModelVersion](t)(s.ModelVersion(ctx, "m", 3)); v.Description != "third" || tagOf(got.Tags, "n") != "x" {
		t.Errorf("%+v", got)
	}
	check(t, s.SetRegisteredModelTag(ctx, "m", track.Tag{Key: "b", Value: "x"}))
	check(t, s.DeleteRegisteredModelTag(ctx, "m", "a"))
	searchRegistry(t, s)
	m = must[track.RegisteredModel](t)(s.RenameRegisteredModel(ctx, "m", "n"))
	if len(m.Tags) != 1 || len(m.Latest) != 3 || m.Latest[0].Name != "n" {
		t.Errorf("%+v", m)
	}
	check(t, s.DeleteModelVersion(ctx, "n", 3))
	check(t, s.DeleteModelVersion(ctx, "n", 2))
	if v := must[track.ModelVersion](t)(s.CreateModelVersion(ctx, track.NewModelVersion{Name: "n"})); v.Version != 4 || v.Tags != nil {
		t.Errorf("%+v", v)
	}
	check(t, s.DeleteRegisteredModel(ctx, "n"))
	wantError(t, s.DeleteRegisteredModel(ctx, "n"), track.NotFound, "n not found")
}

func testOldVersions(t *testing.T, s track.Store) {
	ctx := t.Context()
	must[track.RegisteredModel](t)(s.CreateRegisteredModel(ctx, "old", "", nil))
	v := must[track.ModelVersion](t)(s.CreateModelVersion(ctx, track.NewModelVersion{Name: "old", Version: 7, Created: 1234}))
	if v.Version != 7 || v.Created != 1234 || v.Updated <= 1234 {
		t.Errorf("the version is %+v", v)
	}
	if m := must[track.RegisteredModel](t)(s.RegisteredModel(ctx, "old")); m.Created != 1234 {
		t.Errorf("the model is %+v", m)
	}
	_, err := s.CreateModelVersion(ctx, track.NewModelVersion{Name: "old", Version: 7})
	wantError(t, err, track.AlreadyExists, "Model Version (name=old, version=7) already exists")
	if v := must[track.ModelVersion](t)(s.CreateModelVersion(ctx, track.NewModelVersion{Name: "old"})); v.Version != 8 {
		t.Errorf("the next is %d", v.Version)
	}
	must[track.ModelVersion](t)(s.CreateModelVersion(ctx, track.NewModelVersion{Name: "old", Version: 3}))
	check(t, s.DeleteRegisteredModel(ctx, "old"))
}

func testAliases(t *testing.T, s track.Store) {
	ctx := t.Context()
	check(t, s.SetAlias(ctx, "m", "champion", 1))
	check(t, s.SetAlias(ctx, "m", "champion", 3))
	for alias, want := range map[string]string{"v1": "Version alias name 'v1' is reserved.", "LATEST": "'latest' alias name (case insensitive) is reserved.", "a b": "Invalid alias name: 'a b'", "": "cannot be empty"} {
		wantError(t, s.SetAlias(ctx, "m", alias, 1), track.InvalidParameter, want)
	}
	wantError(t, s.SetAlias(ctx, "m", "x", 7), track.NotFound, "Model Version (name=m, version=7) not found")
	for alias, version := range map[string]int64{"champion": 3, "latest": 3} {
		if v := must[track.ModelVersion](t)(s.ModelVersionByAlias(ctx, "m", alias)); v.Version != version || len(v.Aliases) != 1 {
			t.Errorf("%s is %+v", alias, v)
		}
	}
	_, err := s.ModelVersionByAlias(ctx, "m", "zz")
	wantError(t, err, track.InvalidParameter, "Registered model alias zz not found.")
	check(t, s.DeleteAlias(ctx, "m", "champion"))
	check(t, s.DeleteAlias(ctx, "m", "champion"))
}

func searchRegistry(t *testing.T, s track.Store) {
	must[track.RegisteredModel](t)(s.CreateRegisteredModel(t.Context(), "other", "", nil))
	must[track.ModelVersion](t)(s.CreateModelVersion(t.Context(), track.NewModelVersion{Name: "other", Source: "S"}))
	for filter, want := range map[string]string{"": "m other", "name LIKE 'o%'": "other", "name ILIKE 'M'": "m", "tags.b = 'x'": "m", "name IN ('m', 'x')": "m", "name != 'm'": "other"} {
		if got := models(t, s, track.Search{Filter: filter}); got != want {
			t.Errorf("%s: %s", filter, got)
		}
	}
	if got := models(t, s, track.Search{OrderBy: []string{"name DESC"}}); got != "other m" {
		t.Errorf("by name: %s", got)
	}
	for filter, want := range map[string]string{
		"name = 'm' AND version_number >= 2": "m3 m2", "run_id IN ('r')": "m3 m2 m1", "source_path = 'S'": "other1", "tags.n = '1'": "m1", "version_number = '2'": "m2",
	} {
		if got := versions(t, s, track.Search{Filter: filter, OrderBy: []string{"version_number DESC"}}); got != want {
			t.Errorf("%s: %s", filter, got)
		}
	}
	_, err := s.SearchRegisteredModels(t.Context(), track.Search{Max: 1001})
	wantError(t, err, track.InvalidParameter, "Invalid value for request parameter max_results. It must be at most 1000, but got value 1001")
}

func models(t *testing.T, s track.Store, search track.Search) string {
	t.Helper()
	search.Max = 100
	var list []string
	for _, m := range must[track.Page[track.RegisteredModel]](t)(s.SearchRegisteredModels(t.Context(), search)).Items {
		list = append(list, m.Name)
	}
	return strings.Join(list, " ")
}

func versions(t *testing.T, s track.Store, search track.Search) string {
	t.Helper()
	search.Max = 100
	var list []string
	for _, v := range must[track.Page[track.ModelVersion]](t)(s.SearchModelVersions(t.Context(), search)).Items {
		list = append(list, v.Name+string(rune('0'+v.Version)))
	}
	return strings.Join(list, " ")
}

func testPrompts(t *testing.T, s track.Store) {
	ctx := t.Context()
	prompt := []track.Tag{{Key: track.PromptTag, Value: "true"}}
	must[track.RegisteredModel](t)(s.CreateRegisteredModel(ctx, "m", "", nil))
	must[track.RegisteredModel](t)(s.CreateRegisteredModel(ctx, "p", "", prompt))
	must[track.ModelVersion](t)(s.CreateModelVersion(ctx, track.NewModelVersion{Name: "m"}))
	must[track.ModelVersion](t)(s.CreateModelVersion(ctx, track.NewModelVersion{Name: "p", Tags: prompt}))
	tag := "tags.`" + track.PromptTag + "` "
	for filter, want := range map[string]string{"": "m", tag + "!= 'true'": "m", tag + "= 'false'": "m", tag + "= 'true'": "p", "name LIKE '%'": "m", "name = 'p' AND " + tag + "= 'true'": "p"} {
		if got := models(t, s, track.Search{Filter: filter}); got != want {
			t.Errorf("models, %s: %s", filter, got)
		}
		if got := versions(t, s, track.Search{Filter: filter}); got != want+"1" {
			t.Errorf("versions, %s: %s", filter, got)
		}
	}
	_, err := s.CreateRegisteredModel(ctx, "p", "", nil)
	wantError(t, err, track.AlreadyExists, "Tried to create a registered model with name 'p', but the name is already taken by a prompt.")
	_, err = s.CreateRegisteredModel(ctx, "p", "", prompt)
	wantError(t, err, track.AlreadyExists, "Prompt (name=p) already exists.")
}
