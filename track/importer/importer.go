// Package importer brings the runs of other trackers into a store of runs.
//
// A [Source] is what is read, and never changed. Runs, logged models and traces
// keep their IDs, so that a second import leaves alone what is there, brings what
// came since, and goes on with what an import that was interrupted left unfinished.
// Experiments and registered models are matched by name.
package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xtrepro/xt/track"
)

// UnfinishedTag marks what is imported until all of it is there. Its value is the
// [Source.Name].
const UnfinishedTag = "xt.import"

// Experiment is an experiment of a source.
type Experiment struct {
	Key string // what the source calls it
	track.Experiment
}

// Run is a run of a source.
type Run struct {
	track.Run
	Place string // where the source has it
}

// Model is a logged model of a source.
type Model struct {
	track.LoggedModel
	Place string
}

// Trace is a trace of a source, without its spans.
type Trace struct {
	track.TraceInfo
	Runs  []string // that it was linked to
	Spans func() ([]track.Span, error)
}

// Registered is a registered model of a source, with its versions.
type Registered struct {
	track.RegisteredModel
	Versions []track.ModelVersion
}

// Source is a store of another tracker. What in it is broken is passed over with
// a warning; an error is one that ends the import.
type Source interface {
	// Name names the source, each time in the same way.
	Name() string
	Experiments(ctx context.Context, f func(*Experiment) error) error
	// Runs calls f for the runs of an experiment, deleted ones too.
	Runs(ctx context.Context, e *Experiment, f func(*Run) error) error
	// Points calls f for the points of all curves of a run.
	Points(ctx context.Context, r *Run, f func(track.Metric) error) error
	// Files calls f for the artifacts of a run.
	Files(ctx context.Context, r *Run, f func(*File) error) error
	// Models calls f for the logged models of an experiment.
	Models(ctx context.Context, e *Experiment, f func(*Model) error) error
	// ModelFiles calls f for the artifacts of a logged model.
	ModelFiles(ctx context.Context, m *Model, f func(*File) error) error
	// Traces calls f for the traces of an experiment.
	Traces(ctx context.Context, e *Experiment, f func(*Trace) error) error
	Registered(ctx context.Context, f func(*Registered) error) error
	Close() error
}

// Warn is told what is passed over: where, and what is the matter.
type Warn func(where, problem string)

// Options say how an import goes.
type Options struct {
	Experiments []string // the names of those to bring; nil for all
	DryRun      bool     // only count
	Warn        Warn
	// Run, unless nil, is called after each run and each trace, with what came so far.
	Run func(r Report)
	// File, unless nil, is called for each artifact that was stored.
	File func(size int64)
}

// Report counts what an import brought.
type Report struct {
	Experiments   int   `json:"experiments"` // that are new
	Runs          int   `json:"runs"`
	Updated       int   `json:"runs_updated"` // runs that were still going on when they came
	Present       int   `json:"runs_present"` // runs that were there already
	Points        int64 `json:"points"`
	Artifacts     int64 `json:"artifacts"`
	Bytes         int64 `json:"bytes"`
	LoggedModels  int   `json:"logged_models"`
	Traces        int   `json:"traces"`
	Registered    int   `json:"registered_models"` // that are new
	ModelVersions int   `json:"model_versions"`
}

// NoExperimentError says that the source lacks an experiment that was asked for.
type NoExperimentError struct{ Name string }

func (e *NoExperimentError) Error() string {
	return fmt.Sprintf("the source has no experiment %q", e.Name)
}

// job is one import.
type job struct {
	Options
	ctx    context.Context
	src    Source
	dst    track.Store
	report Report
	mark   track.Tag         // of what is unfinished
	moved  map[string]string // the artifact URIs of runs in the source, and here
	seen   map[string]bool   // the runs of the source
	models map[string]bool   // whether logged models are here
}

// Import brings what src has into dst, and returns what it brought, also if there
// is an error.
func Import(ctx context.Context, dst track.Store, src Source, o Options) (Report, error) {
	j := &job{
		Options: o, ctx: ctx, src: src, dst: dst, mark: track.Tag{Key: UnfinishedTag, Value: plain(src.Name())},
		moved: map[string]string{}, seen: map[string]bool{}, models: map[string]bool{},
	}
	if j.Warn == nil {
		j.Warn = func(string, string) {}
	}
	found := map[string]bool{}
	err := src.Experiments(ctx, func(e *Experiment) error {
		if len(o.Experiments) > 0 && !slices.Contains(o.Experiments, e.Name) {
			return nil
		}
		found[e.Name] = true
		if err := j.experiment(e); err != nil {
			return fmt.Errorf("import experiment %q: %w", e.Name, err)
		}
		return nil
	})
	for _, name := range o.Experiments {
		if err == nil && !found[name] {
			err = &NoExperimentError{name}
		}
	}
	if err == nil {
		err = j.registry()
	}
	return j.report, err
}

// target is an experiment of the store that runs go to.
type target struct {
	track.Experiment
	isNew, reopened bool
}

func (j *job) experiment(e *Experiment) error {
	t, err := j.target(e)
	if err != nil {
		return err
	}
	err = j.logged(e, t)
	if err == nil {
		err = j.runs(e, t)
	}
	if err == nil {
		err = j.traces(e, t)
	}
	if err != nil {
		return errors.Join(err, j.closeAgain(t))
	}
	return j.finishExperiment(e, t)
}

// tell says how far the import is.
func (j *job) tell() {
	if j.Options.Run != nil {
		j.Options.Run(j.report)
	}
}

// target returns the experiment of that name, which it makes if need be.
func (j *job) target(e *Experiment) (*target, error) {
	t := &target{}
	var err error
	t.Experiment, err = j.dst.ExperimentByName(j.ctx, e.Name)
	if err == nil {
		t.isNew = hasTag(t.Tags, UnfinishedTag)
		return t, nil
	}
	if track.CodeOf(err) != track.NotFound {
		return nil, err
	}
	j.report.Experiments++
	t.isNew = true
	if j.DryRun {
		t.ArtifactLocation = "mlflow-artifacts:/"
		return t, nil
	}
	n := track.NewExperiment{Name: e.Name, ArtifactLocation: keptLocation(e.ArtifactLocation), Created: e.Created}
	n.Tags = append(j.experimentTags(e), j.mark)
	id, err := j.dst.CreateExperiment(j.ctx, n)
	if err != nil {
		return nil, err
	}
	t.Experiment, err = j.dst.Experiment(j.ctx, id)
	return t, err
}

func (j *job) experimentTags(e *Experiment) []track.Tag {
	var tags []track.Tag
	for _, t := range e.Tags {
		t.Value = plain(t.Value)
		if err := track.CheckLimitedTag(t, track.MaxExperimentTagValue); err != nil {
			j.Warn("experiment "+e.Name, err.Error())
			continue
		}
		tags = append(tags, t)
	}
	return tags
}

// open makes sure that runs can go to the experiment. One that was deleted comes
// back until they are there, and then goes again with all its runs.
func (j *job) open(t *target) error {
	if t.Lifecycle != track.Deleted || t.reopened {
		return nil
	}
	t.reopened = true
	return j.dst.RestoreExperiment(j.ctx, t.ID)
}

func (j *job) closeAgain(t *target) error {
	if !t.reopened {
		return nil
	}
	// Also after an interrupt, which has ended the context of the job.
	return j.dst.DeleteExperiment(context.WithoutCancel(j.ctx), t.ID)
}

func (j *job) finishExperiment(e *Experiment, t *target) error {
	if j.DryRun || !t.isNew || t.Lifecycle == track.Deleted {
		return j.closeAgain(t)
	}
	if err := j.dst.DeleteExperimentTag(j.ctx, t.ID, UnfinishedTag); err != nil {
		return err
	}
	if e.Lifecycle != track.Deleted {
		return nil
	}
	return j.dst.DeleteExperiment(j.ctx, t.ID)
}
