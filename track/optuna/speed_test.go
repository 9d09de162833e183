package optuna

import (
	"sync/atomic"
	"testing"

	"github.com/xtrepro/xt/track/optuna/api"
)

// BenchmarkTrial asks for trials and tells what came of them, as a client does.
func BenchmarkTrial(b *testing.B) {
	s := serve(b, newStore(b))
	ctx := b.Context()
	study := must[*api.CreateNewStudyReply](b)(s.CreateNewStudy(ctx, &api.CreateNewStudyRequest{StudyName: "s", Directions: []api.StudyDirection{0}})).StudyId
	var last atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := must[*api.CreateNewTrialReply](b)(s.CreateNewTrial(ctx, &api.CreateNewTrialRequest{StudyId: study, TemplateTrialIsNone: true})).TrialId
			must[*api.GetTrialsReply](b)(s.GetTrials(ctx, &api.GetTrialsRequest{StudyId: study, TrialIdGreaterThan: last.Load()}))
			for _, name := range []string{"x", "y", "z"} {
				must[*api.GetTrialReply](b)(s.GetTrial(ctx, &api.GetTrialRequest{TrialId: id}))
				must[*api.SetTrialParameterReply](b)(s.SetTrialParameter(ctx, &api.SetTrialParameterRequest{TrialId: id, ParamName: name, Distribution: floatJSON}))
			}
			must[*api.SetTrialStateValuesReply](b)(s.SetTrialStateValues(ctx, &api.SetTrialStateValuesRequest{TrialId: id, State: api.TrialState_COMPLETE, Values: []float64{1}}))
			last.Store(id)
		}
	})
}
