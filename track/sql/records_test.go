package sql

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/track"
)

func testRecords(t *testing.T, s track.Store) {
	ctx := t.Context()
	_, err := s.Record(ctx, "a", "k")
	wantError(t, err, track.NotFound, "there is no a with the key")
	check(t, s.PutRecords(ctx, "a", track.Record{Key: "k", Value: "1"}, track.Record{Key: "p/ä%", Value: "2"}, track.Record{Key: "p/_", Value: "x\x00\xff"}))
	check(t, s.PutRecords(ctx, "b", track.Record{Key: "k", Value: "other"}))
	check(t, s.PutRecords(ctx, "a", track.Record{Key: "k", Value: "3"}))
	if v := must[string](t)(s.Record(ctx, "a", "k")); v != "3" {
		t.Errorf("k is %q", v)
	}
	got := must[[]track.Record](t)(s.Records(ctx, "a", "p/"))
	if diff := cmp.Diff([]track.Record{{Key: "p/_", Value: "x\uFFFD\uFFFD"}, {Key: "p/ä%", Value: "2"}}, got); diff != "" {
		t.Error(diff)
	}
	if got := must[[]track.Record](t)(s.Records(ctx, "a", "")); len(got) != 3 {
		t.Errorf("%v", got)
	}
	check(t, s.SwapRecord(ctx, "a", "k", "3", "4"))
	wantError(t, s.SwapRecord(ctx, "a", "k", "3", "5"), track.InvalidState, "has changed")
	wantError(t, s.SwapRecord(ctx, "a", "k", "", "5"), track.InvalidState, "has changed")
	check(t, s.SwapRecord(ctx, "a", "new", "", "1"))
	if got := must[string](t)(s.Record(ctx, "a", "k")) + must[string](t)(s.Record(ctx, "a", "new")); got != "41" {
		t.Errorf("after swaps: %s", got)
	}
	check(t, s.DeleteRecord(ctx, "a", "k"))
	check(t, s.DeleteRecord(ctx, "a", "k"))
	_, err = s.Record(ctx, "a", "k")
	wantError(t, err, track.NotFound, "there is no a")
	wantError(t, s.PutRecords(ctx, "a", track.Record{Key: strings.Repeat("k", 1001)}), track.InvalidParameter, "too long")
}

func testLines(t *testing.T, s track.Store) {
	ctx := t.Context()
	run := must[track.Run](t)(s.CreateRun(ctx, track.NewRun{}))
	put := func(from int64, lines ...string) { check(t, s.PutLines(ctx, run.ID, "out", from, lines)) }
	put(0, "a", "b", "c")
	put(1, "B")
	put(6, "g")
	put(9)
	check(t, s.PutLines(ctx, run.ID, "err", 0, []string{"e"}))
	lines := func(q track.LineQuery) string {
		q.RunID = run.ID
		var text string
		for _, l := range must[[]track.Line](t)(s.Lines(ctx, q)) {
			text += l.Text
		}
		return text
	}
	for want, q := range map[string]track.LineQuery{"aBcg": {Stream: "out"}, "Bc": {Stream: "out", From: 1, To: 3}, "B": {Stream: "out", From: 1, Max: 1}, "e": {Stream: "err"}, "": {Stream: "none"}} {
		if got := lines(q); got != want {
			t.Errorf("%+v: %q, want %q", q, got, want)
		}
	}
	for stream, want := range map[string]int64{"out": 7, "err": 1, "none": 0} {
		if n := must[int64](t)(s.CountLines(ctx, run.ID, stream)); n != want {
			t.Errorf("%s has %d lines, want %d", stream, n, want)
		}
	}
	wantError(t, s.PutLines(ctx, run.ID, "out", -1, []string{"x"}), track.InvalidParameter, "from 0")
	wantError(t, s.PutLines(ctx, "none", "out", 0, []string{"x"}), track.NotFound, "none")

	check(t, s.LogParam(ctx, run.ID, track.Param{Key: "p", Value: "1"}))
	check(t, s.ReplaceParams(ctx, run.ID, []track.Param{{Key: "p", Value: "2"}, {Key: "q", Value: "3"}}))
	if diff := cmp.Diff([]track.Param{{Key: "p", Value: "2"}, {Key: "q", Value: "3"}}, must[track.Run](t)(s.Run(ctx, run.ID)).Params); diff != "" {
		t.Error(diff)
	}
	check(t, s.DeleteRun(ctx, run.ID))
	wantError(t, s.PutLines(ctx, run.ID, "out", 0, []string{"x"}), track.InvalidParameter, "active")
	check(t, s.PurgeRun(ctx, run.ID))
	if got := lines(track.LineQuery{Stream: "out"}); got != "" {
		t.Errorf("lines are left: %q", got)
	}
}
