package optuna

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/optuna/api"
)

// search makes a study of some trials that end as states say; those that wait in
// the end do so on.
func search(t *testing.T, s *testServer, name string, states ...api.TrialState) int64 {
	t.Helper()
	study := must[*api.CreateNewStudyReply](t)(s.CreateNewStudy(t.Context(), &api.CreateNewStudyRequest{StudyName: name, Directions: []api.StudyDirection{0}})).StudyId
	for i, state := range states {
		id := must[*api.CreateNewTrialReply](t)(s.CreateNewTrial(t.Context(), &api.CreateNewTrialRequest{StudyId: study, TemplateTrialIsNone: true})).TrialId
		for param, distribution := range map[string]string{"x": floatJSON, "kind of/é": `{"name": "CategoricalDistribution", "attributes": {"choices": [true, "b", NaN]}}`} {
			must[*api.SetTrialParameterReply](t)(s.SetTrialParameter(t.Context(), &api.SetTrialParameterRequest{TrialId: id, ParamName: param, ParamValueInternal: float64(i % 3), Distribution: distribution}))
		}
		must[*api.SetTrialIntermediateValueReply](t)(s.SetTrialIntermediateValue(t.Context(), &api.SetTrialIntermediateValueRequest{TrialId: id, Step: 3, IntermediateValue: 0.5}))
		must[*api.SetTrialStateValuesReply](t)(s.SetTrialStateValues(t.Context(), &api.SetTrialStateValuesRequest{TrialId: id, State: state, Values: []float64{float64(10 - i)}}))
	}
	return study
}

// runs lists all runs as "NAME STATUS PARENT params metrics".
func runs(t *testing.T, s track.Store) []string {
	t.Helper()
	page := must[track.Page[track.Run]](t)(s.SearchRuns(t.Context(), track.RunSearch{Experiments: []int64{0}, Search: track.Search{Max: 1000}}))
	names := map[string]string{}
	for _, r := range page.Items {
		names[r.ID] = r.Name
	}
	var list []string
	for _, r := range page.Items {
		line := fmt.Sprint(r.Name, " ", r.Status, " <", names[parentOf(&r)], ">")
		for _, p := range r.Params {
			line += fmt.Sprintf(" %s=%s", p.Key, p.Value)
		}
		for _, m := range r.Metrics {
			line += fmt.Sprintf(" %s=%v@%d", m.Key, m.Value, m.Step)
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

func wantRuns(t *testing.T, s track.Store, want ...string) {
	t.Helper()
	if got := runs(t, s); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRunsOfTrials(t *testing.T) {
	store := newStore(t)
	s := serve(t, store)
	study := search(t, s, "s", api.TrialState_COMPLETE, api.TrialState_PRUNED, api.TrialState_FAIL, api.TrialState_WAITING, api.TrialState_COMPLETE)
	s.recorder.close()
	want := []string{
		"s FINISHED <> best_value=6@4",
		"trial 0 FINISHED <s> kind of/é=True x=0 intermediate_value=0.5@3 value=10@0",
		"trial 1 KILLED <s> kind of/é=b x=1 intermediate_value=0.5@3 value=9@0",
		"trial 2 FAILED <s> kind of/é=NaN x=2 intermediate_value=0.5@3 value=8@0",
		"trial 4 FINISHED <s> kind of/é=b x=1 intermediate_value=0.5@3 value=6@0",
	}
	wantRuns(t, store, want...)
	trials := must[[]track.Trial](t)(store.Trials(t.Context(), study, track.TrialQuery{After: -1}))
	run := must[track.Run](t)(store.Run(t.Context(), trials[0].RunID))
	if trials[3].RunID != "" || run.Origin.Kind != track.TrialRun || run.End < run.Start || run.End == 0 {
		t.Errorf("%+v: %+v", trials[3], run)
	}
	whole := must[track.Study](t)(store.Study(t.Context(), study))
	if top := must[track.Run](t)(store.Run(t.Context(), whole.RunID)); top.Start != whole.Created {
		t.Errorf("the run of the study starts at %d, and the study was made at %d", top.Start, whole.Created)
	}

	// Another server finds what this one did not get to, and does nothing twice.
	later := serve(t, store)
	must[bool](t)(store.SetTrialState(t.Context(), trials[3].ID, track.TrialComplete, []float64{20}))
	must[*api.CreateNewTrialReply](t)(later.CreateNewTrial(t.Context(), &api.CreateNewTrialRequest{StudyId: study, TemplateTrial: &api.Trial{State: api.TrialState_COMPLETE, Values: []float64{1}}}))
	later.recorder.close()
	wantRuns(t, store, append([]string{"s FINISHED <> best_value=1@5", want[1], want[2], want[3],
		"trial 3 FINISHED <s> kind of/é=True x=0 intermediate_value=0.5@3 value=20@0"}, want[4], "trial 5 FINISHED <s> value=1@0")...)
}

// TestRunsOfCommand nests trials in the run of a command, and takes the runs that
// their code opens for theirs.
func TestRunsOfCommand(t *testing.T) {
	store := newStore(t)
	root := must[track.Run](t)(store.CreateRun(t.Context(), track.NewRun{Name: "command"}))
	session := &track.Session{Store: store, Root: root.ID}
	s := serve(t, session)
	study := search(t, s, "no-name-1", api.TrialState_COMPLETE)
	for _, nested := range []bool{true, false} {
		id := must[*api.CreateNewTrialReply](t)(s.CreateNewTrial(t.Context(), &api.CreateNewTrialRequest{StudyId: study, TemplateTrialIsNone: true})).TrialId
		n := track.NewRun{Name: "elsewhere", Tags: []track.Tag{{Key: track.ParentRunTag, Value: "other"}}}
		if nested {
			n = track.NewRun{Name: "own", Params: []track.Param{{Key: "x", Value: "1"}}}
		}
		own := must[track.Run](t)(session.CreateRun(t.Context(), n))
		ctx := metadata.AppendToOutgoingContext(t.Context(), RunKey, own.ID)
		must[*api.SetTrialStateValuesReply](t)(s.SetTrialStateValues(ctx, &api.SetTrialStateValuesRequest{TrialId: id, State: api.TrialState_COMPLETE, Values: []float64{2}}))
	}
	lost := must[*api.CreateNewTrialReply](t)(s.CreateNewTrial(t.Context(), &api.CreateNewTrialRequest{StudyId: study, TemplateTrialIsNone: true})).TrialId
	ctx := metadata.AppendToOutgoingContext(t.Context(), RunKey, "no such run")
	must[*api.SetTrialStateValuesReply](t)(s.SetTrialStateValues(ctx, &api.SetTrialStateValuesRequest{TrialId: lost, State: api.TrialState_FAIL}))
	s.recorder.close()
	end := track.RunEnd{RunUpdate: track.RunUpdate{Status: track.Finished, End: 5}, Origin: &track.Origin{Kind: track.PlainRun, Command: "c"}}
	id := must[string](t)(session.End(t.Context(), end))
	wantRuns(t, store,
		"command FINISHED <> best_value=2@1",
		"elsewhere RUNNING <> value=2@0",
		"own FINISHED <command> x=1 value=2@0",
		"trial 0 FINISHED <command> kind of/é=True x=0 intermediate_value=0.5@3 value=10@0",
		"trial 3 FAILED <command>",
	)
	if run := must[track.Run](t)(store.Run(t.Context(), id)); run.Origin.Command != "c" || run.ID == root.ID {
		t.Errorf("it stands for the command: %+v", run)
	}
	if _, err := store.Run(t.Context(), root.ID); track.CodeOf(err) != track.NotFound {
		t.Errorf("the run that it took the place of: %v", err)
	}
}
