package sql

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/xtrepro/xt/track"
)

func testEvaluation(t *testing.T, s track.Store) {
	ctx := t.Context()
	must := must[track.EvalDataset](t)
	other, err := s.CreateExperiment(ctx, track.NewExperiment{Name: "other"})
	check(t, err)
	one := must(s.CreateEvalDataset(ctx, track.NewEvalDataset{Name: "one", Tags: []track.Tag{{Key: track.UserTag, Value: "ann"}, {Key: "team", Value: "a"}}, Experiments: []int64{0}}))
	if !strings.HasPrefix(one.ID, "d-") || one.CreatedBy != "ann" || len(one.Tags) != 2 || fmt.Sprint(one.Experiments) != "[0]" || one.Created == 0 || len(one.Digest) != 8 || one.Count != 0 || one.Schema != "" {
		t.Errorf("%+v", one)
	}
	two := must(s.CreateEvalDataset(ctx, track.NewEvalDataset{Name: "two"}))
	_, err = s.CreateEvalDataset(ctx, track.NewEvalDataset{Name: "lost", Experiments: []int64{77}})
	wantError(t, err, track.NotFound, "No Experiment with id=77 exists")
	_, err = s.CreateEvalDataset(ctx, track.NewEvalDataset{Name: strings.Repeat("x", 300)})
	wantError(t, err, track.InvalidParameter, "has 1 to 250 bytes, not 300")

	shared := must(s.ShareEvalDataset(ctx, two.ID, []int64{0, other, 0}, nil))
	shared = must(s.ShareEvalDataset(ctx, shared.ID, nil, []int64{0, 99}))
	if fmt.Sprint(shared.Experiments) != fmt.Sprint([]int64{other}) {
		t.Errorf("%+v", shared)
	}
	check(t, s.SetEvalDatasetTags(ctx, one.ID, []track.Tag{{Key: "team", Value: "b"}, {Key: "x", Value: "y"}}))
	check(t, s.DeleteEvalDatasetTag(ctx, one.ID, "x"))
	check(t, s.DeleteEvalDatasetTag(ctx, one.ID, "none"))
	if got := must(s.EvalDataset(ctx, one.ID)); tagOf(got.Tags, "team") != "b" || tagOf(got.Tags, "x") != "" {
		t.Errorf("%+v", got.Tags)
	}
	for _, tt := range []struct {
		search track.EvalDatasetSearch
		want   string
	}{
		{track.EvalDatasetSearch{}, "two one"},
		{track.EvalDatasetSearch{Search: track.Search{OrderBy: []string{"name ASC"}}}, "one two"},
		{track.EvalDatasetSearch{Experiments: []int64{other}}, "two"},
		{track.EvalDatasetSearch{Experiments: []int64{}}, ""},
		{track.EvalDatasetSearch{Search: track.Search{Filter: "name LIKE 'o%' AND tags.team = 'b'"}}, "one"},
		{track.EvalDatasetSearch{Search: track.Search{Filter: "name IN ('two', 'three')"}}, "two"},
		{track.EvalDatasetSearch{Search: track.Search{Filter: "created_by = 'ann' AND created_time > 0"}}, "one"},
		{track.EvalDatasetSearch{Search: track.Search{Filter: "last_update_time < '5'"}}, ""},
	} {
		var names []string
		for page := (track.Page[track.EvalDataset]{Next: ""}); ; { // one at a time
			tt.search.Max, tt.search.PageToken = 1, page.Next
			page, err = s.SearchEvalDatasets(ctx, tt.search)
			check(t, err)
			for _, d := range page.Items {
				names = append(names, d.Name)
			}
			if page.Next == "" {
				break
			}
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%+v: %s", tt.search, got)
		}
	}
	_, err = s.SearchEvalDatasets(ctx, track.EvalDatasetSearch{Search: track.Search{Max: 5, Filter: "nope = 'x'"}})
	wantError(t, err, track.InvalidParameter, "Invalid attribute key 'nope'")
	check(t, s.DeleteEvalDataset(ctx, one.ID))
	check(t, s.DeleteEvalDataset(ctx, one.ID))
	_, err = s.EvalDataset(ctx, one.ID)
	wantError(t, err, track.NotFound, "Evaluation dataset with id '"+one.ID+"' not found")
	wantError(t, s.SetEvalDatasetTags(ctx, one.ID, nil), track.NotFound, "not found")
}

// example makes one of JSON: inputs, outputs, expectations, tags.
func example(parts ...string) (x track.Example) {
	for i, into := range []any{&x.Inputs, &x.Outputs, &x.Expectations, &x.Tags} {
		if i < len(parts) && parts[i] != "" {
			if err := json.Unmarshal([]byte(parts[i]), into); err != nil {
				panic(err)
			}
		}
	}
	return x
}

func testExamples(t *testing.T, s track.Store) {
	ctx := t.Context()
	d, err := s.CreateEvalDataset(ctx, track.NewEvalDataset{Name: "qa"})
	check(t, err)
	put := func(added, merged int, examples ...track.Example) {
		t.Helper()
		a, m, err := s.PutExamples(ctx, d.ID, examples)
		if err != nil || a != added || m != merged {
			t.Errorf("%d added and %d merged, %v", a, m, err)
		}
	}
	put(3, 1,
		example(`{"q": "1", "k": {"b": 1, "a": [1.5]}}`, `"yes"`, `{"right": true}`, `{"mlflow.user": "ann"}`),
		example(`{"q": "2", "n": 4, "f": 0.5, "z": null}`),
		example(`{"k": {"a": [1.5], "b": 1}, "q": "1"}`, `{"is": 1}`, `{"more": [2]}`, `{"mlflow.user": "bob", "t": "v"}`),
		example(`{}`),
	)
	put(0, 1, example(`{"q": "2", "z": null, "f": 0.5, "n": 4}`))
	put(2, 0, example(`{"q": "3"}`), example(`{"q": "4\u0000"}`))

	var all []track.Example
	pages := 0
	for token := ""; ; pages++ {
		page, err := s.Examples(ctx, d.ID, 2, token)
		check(t, err)
		all = append(all, page.Items...)
		if token = page.Next; token == "" {
			break
		}
	}
	if len(all) != 5 || pages != 2 {
		t.Fatalf("%d examples on %d pages", len(all), pages+1)
	}
	x := all[0]
	if string(x.Outputs) != `{"is":1}` || string(x.Expectations["right"]) != "true" || string(x.Expectations["more"]) != "[2]" || string(x.Tags["t"]) != `"v"` ||
		x.CreatedBy != "ann" || x.UpdatedBy != "bob" || !strings.HasPrefix(x.ID, "dr-") {
		t.Errorf("%+v", x)
	}
	if all[1].Outputs != nil || len(all[1].Tags) != 0 || len(all[2].Inputs) != 0 {
		t.Errorf("%+v, %+v", all[1], all[2])
	}
	got, err := s.EvalDataset(ctx, d.ID)
	check(t, err)
	const want = `{"expectations":{"more":"array","right":"boolean"},"inputs":{"f":"float","k":"object","n":"integer","q":"string","z":"null"},"outputs":"string","version":"1.0"}`
	if got.Schema != want || got.Count != 5 {
		t.Errorf("%+v", got)
	}
	n, err := s.DeleteExamples(ctx, d.ID, []string{all[0].ID, all[4].ID, "dr-none"})
	if err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	if got, err = s.EvalDataset(ctx, d.ID); err != nil || got.Count != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	_, _, err = s.PutExamples(ctx, "d-none", nil)
	wantError(t, err, track.NotFound, "not found")
	_, err = s.Examples(ctx, d.ID, 1, "x")
	wantError(t, err, track.InvalidParameter, "Invalid page token")
}
