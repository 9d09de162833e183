package sql

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/track"
)

func testSummaries(t *testing.T, store track.Store) {
	searchFixture(t, store)
	s, ok := store.(track.Summaries)
	if !ok {
		t.Fatal("it cannot sum up")
	}
	ctx := t.Context()
	search := func(filter string, in ...int64) track.RunSearch {
		return track.RunSearch{Search: track.Search{Filter: filter, Max: 2, PageToken: track.OffsetToken(3)}, Experiments: in}
	}
	for _, c := range []struct {
		filter string
		in     []int64
		want   int64
	}{
		{"", []int64{0}, 5}, {"", []int64{0, 1}, 6}, {"", nil, 0}, {"params.opt = 'Adam'", []int64{0, 1}, 4},
		{"metrics.loss > 0.1 AND attributes.status = 'RUNNING'", []int64{0}, 1}, {"metrics.none > 1", []int64{0}, 0},
	} {
		if n := must[int64](t)(s.CountRuns(ctx, search(c.filter, c.in...))); n != c.want {
			t.Errorf("%q in %d: %d runs, want %d", c.filter, c.in, n, c.want)
		}
	}
	for _, c := range []struct {
		by   track.GroupKey
		want []track.Group
	}{
		{track.GroupKey{}, []track.Group{{Value: "0", Runs: 5}, {Value: "1", Runs: 1}}},
		{track.GroupKey{Kind: track.ByParam, Key: "opt"}, []track.Group{{Value: "Adam", Runs: 4}}},
		{track.GroupKey{Kind: track.ByTag, Key: "odd"}, []track.Group{{Value: "100%", Runs: 1}}},
		{track.GroupKey{Kind: track.ByTag, Key: "none"}, nil},
		{track.GroupKey{Kind: track.ByParam, Key: "lr"}, []track.Group{{Value: "0.0", Runs: 1}, {Value: "0.1", Runs: 1}}},
	} {
		for _, few := range []int64{fewRuns, 0} {
			store.(*Store).few = few
			got := must[[]track.Group](t)(s.GroupRuns(ctx, search("", 0, 1), c.by))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%+v: %s", c.by, diff)
			}
		}
	}
	_, err := s.CountRuns(ctx, search("nonsense", 0))
	if track.CodeOf(err) != track.InvalidParameter {
		t.Errorf("nonsense: %v", err)
	}
	keys := must[track.RunKeys](t)(s.RunKeys(ctx, 2))
	if diff := cmp.Diff(track.RunKeys{Params: []string{"lr", "opt"}, Metrics: []string{"loss", "my acc"}, Tags: []string{"mlflow.runName", "mlflow.source.name"}}, keys); diff != "" {
		t.Error(diff)
	}
}
