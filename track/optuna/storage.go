package optuna

import (
	"context"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/optuna/api"
)

var _ api.StorageServiceServer = (*storage)(nil)

// storage is the service over a store.
type storage struct {
	api.UnimplementedStorageServiceServer
	store    track.Store
	recorder *recorder
}

// CreateNewStudy implements the service.
func (s *storage) CreateNewStudy(ctx context.Context, r *api.CreateNewStudyRequest) (*api.CreateNewStudyReply, error) {
	directions := make([]track.Direction, len(r.Directions))
	for i, d := range r.Directions {
		var ok bool
		if directions[i], ok = directionsOf[d]; !ok {
			return nil, track.Errorf(track.InvalidParameter, "%d is no direction of a study", d)
		}
	}
	study, err := s.store.CreateStudy(ctx, r.StudyName, directions)
	return &api.CreateNewStudyReply{StudyId: study.ID}, err
}

// DeleteStudy implements the service.
func (s *storage) DeleteStudy(ctx context.Context, r *api.DeleteStudyRequest) (*api.DeleteStudyReply, error) {
	return &api.DeleteStudyReply{}, s.store.DeleteStudy(ctx, r.StudyId)
}

// SetStudyUserAttribute implements the service.
func (s *storage) SetStudyUserAttribute(ctx context.Context, r *api.SetStudyUserAttributeRequest) (*api.SetStudyUserAttributeReply, error) {
	return &api.SetStudyUserAttributeReply{}, s.store.SetStudyAttr(ctx, r.StudyId, track.UserAttr, track.Attr{Key: r.Key, Value: r.Value})
}

// SetStudySystemAttribute implements the service.
func (s *storage) SetStudySystemAttribute(ctx context.Context, r *api.SetStudySystemAttributeRequest) (*api.SetStudySystemAttributeReply, error) {
	return &api.SetStudySystemAttributeReply{}, s.store.SetStudyAttr(ctx, r.StudyId, track.SystemAttr, track.Attr{Key: r.Key, Value: r.Value})
}

// GetStudyIdFromName implements the service.
func (s *storage) GetStudyIdFromName(ctx context.Context, r *api.GetStudyIdFromNameRequest) (*api.GetStudyIdFromNameReply, error) {
	study, err := s.store.StudyByName(ctx, r.StudyName)
	return &api.GetStudyIdFromNameReply{StudyId: study.ID}, err
}

// GetStudyNameFromId implements the service.
func (s *storage) GetStudyNameFromId(ctx context.Context, r *api.GetStudyNameFromIdRequest) (*api.GetStudyNameFromIdReply, error) {
	study, err := s.store.Study(ctx, r.StudyId)
	return &api.GetStudyNameFromIdReply{StudyName: study.Name}, err
}

// GetStudyDirections implements the service.
func (s *storage) GetStudyDirections(ctx context.Context, r *api.GetStudyDirectionsRequest) (*api.GetStudyDirectionsReply, error) {
	study, err := s.store.Study(ctx, r.StudyId)
	return &api.GetStudyDirectionsReply{Directions: directions(&study)}, err
}

// GetStudyUserAttributes implements the service.
func (s *storage) GetStudyUserAttributes(ctx context.Context, r *api.GetStudyUserAttributesRequest) (*api.GetStudyUserAttributesReply, error) {
	study, err := s.store.Study(ctx, r.StudyId)
	return &api.GetStudyUserAttributesReply{UserAttributes: attributes(study.User)}, err
}

// GetStudySystemAttributes implements the service.
func (s *storage) GetStudySystemAttributes(ctx context.Context, r *api.GetStudySystemAttributesRequest) (*api.GetStudySystemAttributesReply, error) {
	study, err := s.store.Study(ctx, r.StudyId)
	return &api.GetStudySystemAttributesReply{SystemAttributes: attributes(study.System)}, err
}

// GetAllStudies implements the service.
func (s *storage) GetAllStudies(ctx context.Context, _ *api.GetAllStudiesRequest) (*api.GetAllStudiesReply, error) {
	studies, err := s.store.Studies(ctx)
	reply := &api.GetAllStudiesReply{Studies: make([]*api.Study, len(studies))}
	for i := range studies {
		of := &studies[i]
		reply.Studies[i] = &api.Study{
			StudyId: of.ID, StudyName: of.Name, Directions: directions(of),
			UserAttributes: attributes(of.User), SystemAttributes: attributes(of.System),
		}
	}
	return reply, err
}

// CreateNewTrial implements the service.
func (s *storage) CreateNewTrial(ctx context.Context, r *api.CreateNewTrialRequest) (*api.CreateNewTrialReply, error) {
	var template *track.Trial
	if !r.TemplateTrialIsNone {
		var err error
		if template, err = templateOf(r.TemplateTrial); err != nil {
			return nil, err
		}
	}
	trial, err := s.store.CreateTrial(ctx, r.StudyId, template)
	if err == nil && trial.State.Final() {
		s.recorder.add(trial.ID)
	}
	return &api.CreateNewTrialReply{TrialId: trial.ID}, err
}

// SetTrialParameter implements the service.
func (s *storage) SetTrialParameter(ctx context.Context, r *api.SetTrialParameterRequest) (*api.SetTrialParameterReply, error) {
	p := track.TrialParam{Name: r.ParamName, Value: r.ParamValueInternal, Distribution: r.Distribution}
	return &api.SetTrialParameterReply{}, s.store.SetTrialParam(ctx, r.TrialId, p)
}

// GetTrialIdFromStudyIdTrialNumber implements the service.
func (s *storage) GetTrialIdFromStudyIdTrialNumber(ctx context.Context, r *api.GetTrialIdFromStudyIdTrialNumberRequest) (*api.GetTrialIdFromStudyIdTrialNumberReply, error) {
	trial, err := s.store.TrialByNumber(ctx, r.StudyId, r.TrialNumber)
	return &api.GetTrialIdFromStudyIdTrialNumberReply{TrialId: trial.ID}, err
}

// SetTrialStateValues implements the service. No values are none, for the protocol
// has no way to tell these.
func (s *storage) SetTrialStateValues(ctx context.Context, r *api.SetTrialStateValuesRequest) (*api.SetTrialStateValuesReply, error) {
	state, ok := statesOf[r.State]
	if !ok {
		return nil, track.Errorf(track.InvalidParameter, "%d is no state of a trial", r.State)
	}
	var values []float64
	if len(r.Values) > 0 {
		values = r.Values
	}
	if run := first(ctx, RunKey); run != "" && state.Final() {
		// Before the end, after which nobody would know of it.
		if err := s.store.SetTrialRun(ctx, r.TrialId, track.Clip(run, track.MaxKey)); err != nil {
			return nil, err
		}
	}
	updated, err := s.store.SetTrialState(ctx, r.TrialId, state, values)
	if err == nil && updated && state.Final() {
		s.recorder.add(r.TrialId)
	}
	return &api.SetTrialStateValuesReply{TrialUpdated: updated}, err
}

// SetTrialIntermediateValue implements the service.
func (s *storage) SetTrialIntermediateValue(ctx context.Context, r *api.SetTrialIntermediateValueRequest) (*api.SetTrialIntermediateValueReply, error) {
	v := track.IntermediateValue{Step: r.Step, Value: r.IntermediateValue}
	return &api.SetTrialIntermediateValueReply{}, s.store.SetTrialIntermediate(ctx, r.TrialId, v)
}

// SetTrialUserAttribute implements the service.
func (s *storage) SetTrialUserAttribute(ctx context.Context, r *api.SetTrialUserAttributeRequest) (*api.SetTrialUserAttributeReply, error) {
	return &api.SetTrialUserAttributeReply{}, s.store.SetTrialAttr(ctx, r.TrialId, track.UserAttr, track.Attr{Key: r.Key, Value: r.Value})
}

// SetTrialSystemAttribute implements the service.
func (s *storage) SetTrialSystemAttribute(ctx context.Context, r *api.SetTrialSystemAttributeRequest) (*api.SetTrialSystemAttributeReply, error) {
	return &api.SetTrialSystemAttributeReply{}, s.store.SetTrialAttr(ctx, r.TrialId, track.SystemAttr, track.Attr{Key: r.Key, Value: r.Value})
}

// GetTrial implements the service.
func (s *storage) GetTrial(ctx context.Context, r *api.GetTrialRequest) (*api.GetTrialReply, error) {
	trial, err := s.store.Trial(ctx, r.TrialId)
	if err != nil {
		return nil, err
	}
	return &api.GetTrialReply{Trial: trialOf(&trial)}, nil
}

// GetTrials implements the service.
func (s *storage) GetTrials(ctx context.Context, r *api.GetTrialsRequest) (*api.GetTrialsReply, error) {
	trials, err := s.store.Trials(ctx, r.StudyId, track.TrialQuery{IDs: r.IncludedTrialIds, After: r.TrialIdGreaterThan})
	reply := &api.GetTrialsReply{Trials: make([]*api.Trial, len(trials))}
	for i := range trials {
		reply.Trials[i] = trialOf(&trials[i])
	}
	return reply, err
}
