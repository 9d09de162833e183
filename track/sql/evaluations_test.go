package sql

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xtrepro/xt/track"
)

func testEvaluations(t *testing.T, s track.Store) {
	ctx := t.Context()
	one := must[int64](t)(s.CreateExperiment(ctx, track.NewExperiment{Name: "one"}))
	d := must[track.EvaluationDataset](t)(s.CreateEvaluationDataset(ctx, track.NewEvaluationDataset{
		Name: "qa", Tags: []track.Tag{{Key: "mlflow.user", Value: "ann"}, {Key: "team", Value: "x"}}, Experiments: []int64{one, 0}}))
	if len(d.ID) != 34 || d.CreatedBy != "ann" || d.UpdatedBy != "ann" || d.Digest != track.EvaluationDigest("qa", d.Created) || d.Schema.String() != "" || tagOf(d.Tags, "team") != "x" {
		t.Errorf("%+v", d)
	}
	if diff := cmp.Diff(d, must[track.EvaluationDataset](t)(s.EvaluationDataset(ctx, d.ID))); diff != "" {
		t.Error(diff)
	}
	_, err := s.CreateEvaluationDataset(ctx, track.NewEvaluationDataset{Name: "qa", Experiments: []int64{77}})
	wantError(t, err, track.NotFound, "No Experiment with id=77")
	_, err = s.EvaluationDataset(ctx, "d-none")
	wantError(t, err, track.NotFound, "Evaluation dataset with id 'd-none' not found")
	wantError(t, s.SetEvaluationTags(ctx, "d-none", nil, nil), track.NotFound, "d-none")
	wantError(t, s.SetEvaluationTags(ctx, d.ID, []track.Tag{{Key: "k", Value: strings.Repeat("x", 5001)}}, nil), track.InvalidParameter, "'value' exceeds")
	check(t, s.SetEvaluationTags(ctx, d.ID, []track.Tag{{Key: "team", Value: "y"}, {Key: "new", Value: "1"}}, []string{"mlflow.user"}))
	for range 2 {
		check(t, s.DeleteEvaluationTag(ctx, d.ID, "new"))
	}
	d = must[track.EvaluationDataset](t)(s.EvaluationDataset(ctx, d.ID))
	if diff := cmp.Diff([]track.Tag{{Key: "team", Value: "y"}}, d.Tags); diff != "" {
		t.Error(diff)
	}

	experiments := func(want ...int64) {
		t.Helper()
		if diff := cmp.Diff(want, must[[]int64](t)(s.EvaluationExperiments(ctx, d.ID))); diff != "" {
			t.Error(diff)
		}
	}
	experiments(0, one)
	must[track.EvaluationDataset](t)(s.RemoveEvaluationExperiments(ctx, d.ID, []int64{0, 55}))
	experiments(one)
	for range 2 {
		must[track.EvaluationDataset](t)(s.AddEvaluationExperiments(ctx, d.ID, []int64{one, 0}))
	}
	_, err = s.AddEvaluationExperiments(ctx, d.ID, []int64{0, 77})
	wantError(t, err, track.NotFound, "No Experiment with id=77")
	experiments(0, one)
	testEvaluationRecords(t, s, d.ID)
	searchEvaluations(t, s, one)
	for range 2 {
		check(t, s.DeleteEvaluationDataset(ctx, d.ID))
	}
	experiments()
	if page := must[track.Page[track.EvaluationRecord]](t)(s.EvaluationRecords(ctx, track.RecordQuery{Dataset: d.ID, Max: 9})); len(page.Items) != 0 {
		t.Errorf("records are left: %+v", page)
	}
}

// newRecord is a record with the inputs {"q": text}.
func newRecord(text string, outputs *string) track.NewEvaluationRecord {
	return track.NewEvaluationRecord{Inputs: track.Fields{{Name: "q", Value: `"` + text + `"`}}, InputsDigest: fmt.Sprintf("%q", text), Outputs: outputs}
}

func testEvaluationRecords(t *testing.T, s track.Store, id string) {
	ctx := t.Context()
	text, none := `"said"`, ""
	put := func(inserted, updated int, records ...track.NewEvaluationRecord) {
		t.Helper()
		if i, u, err := s.PutEvaluationRecords(ctx, id, records); i != inserted || u != updated || err != nil {
			t.Errorf("%d inserted, %d updated, %v", i, u, err)
		}
	}
	a, b := newRecord("a", &text), newRecord("b", nil)
	a.Expectations, a.User = track.Fields{{Name: "z", Value: "1"}, {Name: "y", Value: "NaN"}}, "ann"
	a.Source = track.EvaluationSource{Type: "TRACE", ID: "tr-1", Data: track.Fields{{Name: "trace_id", Value: `"tr-1"`}}}
	put(2, 0, a, b)
	again := newRecord("a", &none)
	again.Expectations, again.Tags, again.User = track.Fields{{Name: "y", Value: "[1]"}, {Name: "x", Value: "null"}}, track.Fields{{Name: "mlflow.user", Value: `"bob"`}}, "bob"
	put(1, 2, again, b, newRecord("c\x00", nil))
	_, _, err := s.PutEvaluationRecords(ctx, "d-none", nil)
	wantError(t, err, track.NotFound, "d-none")

	var got []track.EvaluationRecord
	for q := (track.RecordQuery{Dataset: id, Max: 2}); ; {
		page := must[track.Page[track.EvaluationRecord]](t)(s.EvaluationRecords(ctx, q))
		got = append(got, page.Items...)
		if q.PageToken = page.Next; q.PageToken == "" {
			break
		}
	}
	want := []track.EvaluationRecord{
		{Inputs: a.Inputs, Expectations: track.Fields{{Name: "z", Value: "1"}, {Name: "y", Value: "[1]"}, {Name: "x", Value: "null"}}, Tags: again.Tags, Source: a.Source, CreatedBy: "ann", UpdatedBy: "bob"},
		{Inputs: b.Inputs, Outputs: "{}"},
		{Inputs: track.Fields{{Name: "q", Value: "\"c\x00\""}}, Outputs: "{}"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(track.EvaluationRecord{}, "ID", "Dataset", "Created", "Updated")); diff != "" {
		t.Fatal(diff)
	}
	d := must[track.EvaluationDataset](t)(s.EvaluationDataset(ctx, id))
	const schema = `{"inputs": {"q": "string"}, "outputs": "string", "expectations": {"z": "integer", "y": "float", "x": "null"}, "version": "1.0"}`
	if d.Schema.String() != schema || d.Records != 3 || d.UpdatedBy != "bob" || d.Digest != track.EvaluationDigest("qa", d.Updated) {
		t.Errorf("%+v, %s", d, d.Schema.String())
	}
	if n := must[int](t)(s.DeleteEvaluationRecords(ctx, id, []string{got[0].ID, "dr-none", got[2].ID})); n != 2 {
		t.Errorf("%d were deleted", n)
	}
	if n := must[int](t)(s.DeleteEvaluationRecords(ctx, "d-none", []string{got[1].ID})); n != 0 {
		t.Errorf("%d were deleted of another", n)
	}
	if d := must[track.EvaluationDataset](t)(s.EvaluationDataset(ctx, id)); d.Records != 1 {
		t.Errorf("%d records are left", d.Records)
	}
	for _, q := range []track.RecordQuery{{Dataset: id, Max: 1, PageToken: "x"}, {Dataset: id, Max: 1, PageToken: "eA=="}, {Dataset: id}} {
		_, err := s.EvaluationRecords(ctx, q)
		wantError(t, err, track.InvalidParameter, "Invalid")
	}
}

// searchEvaluations searches in a store that has "qa" of the experiment.
func searchEvaluations(t *testing.T, s track.Store, one int64) {
	ctx := t.Context()
	for i := range 3 {
		must[track.EvaluationDataset](t)(s.CreateEvaluationDataset(ctx, track.NewEvaluationDataset{
			Name: fmt.Sprintf("S%d", i), Tags: []track.Tag{{Key: "i", Value: fmt.Sprint(i)}, {Key: "mlflow.user", Value: "eve"}}}))
	}
	for _, c := range []struct {
		search track.EvaluationSearch
		want   string
	}{
		{track.EvaluationSearch{Search: track.Search{OrderBy: []string{"name DESC"}}}, "qa S2 S1 S0"},
		{track.EvaluationSearch{Experiments: []int64{one, 99}}, "qa"},
		{track.EvaluationSearch{Experiments: []int64{}}, ""},
		{track.EvaluationSearch{Search: track.Search{Filter: "name ILIKE 's%' AND tags.i != '1'", OrderBy: []string{"name"}}}, "S0 S2"},
		{track.EvaluationSearch{Search: track.Search{Filter: "name IN ('qa', 'S1')", OrderBy: []string{"name"}}}, "S1 qa"},
		{track.EvaluationSearch{Search: track.Search{Filter: "name > 'S1' AND created_by > 'a'", OrderBy: []string{"name"}}}, "S2 qa"},
		{track.EvaluationSearch{Search: track.Search{Filter: "name <= 'a'", OrderBy: []string{"name"}}}, "S0 S1 S2"},
		{track.EvaluationSearch{Search: track.Search{Filter: "last_updated_by != 'x'", OrderBy: []string{"name"}}}, "S0 S1 S2 qa"},
		{track.EvaluationSearch{Search: track.Search{Filter: "created_by = 'ann' AND created_time > 5"}}, "qa"},
		{track.EvaluationSearch{Search: track.Search{Filter: "last_update_time < 5"}}, ""},
	} {
		c.search.Max = 10
		page, err := s.SearchEvaluationDatasets(ctx, c.search)
		var names []string
		for _, d := range page.Items {
			names = append(names, d.Name)
		}
		if got := strings.Join(names, " "); got != c.want || err != nil {
			t.Errorf("%+v: %s, %v", c.search, got, err)
		}
	}
	page := must[track.Page[track.EvaluationDataset]](t)(s.SearchEvaluationDatasets(ctx, track.EvaluationSearch{Search: track.Search{Max: 3}}))
	next := must[track.Page[track.EvaluationDataset]](t)(s.SearchEvaluationDatasets(ctx, track.EvaluationSearch{Search: track.Search{Max: 3, PageToken: page.Next}}))
	if len(page.Items) != 3 || len(next.Items) != 1 || next.Next != "" {
		t.Errorf("pages: %+v, %+v", page, next)
	}
	_, err := s.SearchEvaluationDatasets(ctx, track.EvaluationSearch{})
	wantError(t, err, track.InvalidParameter, "max_results")
}
