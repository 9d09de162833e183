package importer

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/xtrepro/xt/track"
)

var runID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// runs brings the runs of an experiment.
func (j *job) runs(e *Experiment, t *target) error {
	return j.src.Runs(j.ctx, e, func(r *Run) error {
		if err := j.run(e, t, r); err != nil {
			return fmt.Errorf("import run %s: %w", r.ID, err)
		}
		j.tell()
		return nil
	})
}

// run brings a run, unless it is there.
func (j *job) run(e *Experiment, t *target, r *Run) error {
	if !runID.MatchString(r.ID) {
		j.Warn("run "+r.ID, "its ID is not 32 hexadecimal digits")
		return nil
	}
	j.seen[r.ID] = true
	if e.Lifecycle == track.Deleted {
		r.Lifecycle = track.Deleted
	}
	was, err := j.dst.Run(j.ctx, r.ID)
	if err != nil && track.CodeOf(err) != track.NotFound {
		return err
	}
	count := &j.report.Runs
	if err == nil && !hasTag(was.Tags, UnfinishedTag) {
		j.moved[r.ArtifactURI] = was.ArtifactURI
		if !endedSince(r, &was) {
			j.report.Present++
			return nil
		}
		count = &j.report.Updated
	}
	if j.DryRun {
		*count++
		return j.countRun(r)
	}
	trusted := slices.Contains(was.Tags, j.mark)
	if was, err = j.begin(t, r, &was); err != nil {
		return err
	}
	whole, err := j.fillRun(r, &was, trusted)
	if err != nil {
		return err
	}
	*count++
	return j.finishRun(r, whole)
}

// endedSince reports whether a run was still going on when it came, and is no more.
func endedSince(r *Run, was *track.Run) bool {
	return was.Status == track.Running && r.Status != track.Running && was.Lifecycle == track.Active && was.Origin == nil
}

// begin makes the run, or opens what an import before has made of it.
func (j *job) begin(t *target, r *Run, was *track.Run) (track.Run, error) {
	if err := j.open(t); err != nil {
		return *was, err
	}
	if was.ID != "" {
		if err := j.dst.RestoreRun(j.ctx, r.ID); err != nil {
			return *was, err
		}
		return *was, j.dst.SetTag(j.ctx, r.ID, j.mark)
	}
	n := track.NewRun{ID: r.ID, Experiment: t.ID, Name: plain(r.Name), User: plain(r.User), Status: r.Status, Start: r.Start}
	for _, tag := range r.Tags {
		if tag.Key == track.RunNameTag && tag.Value != "" {
			n.Name = plain(tag.Value)
		}
	}
	n.Name = track.Clip(n.Name, track.MaxTagValue)
	n.Tags = []track.Tag{j.mark}
	return j.dst.CreateRun(j.ctx, n)
}

// fillRun logs what the run has. All of it can be logged again. It is false if
// artifacts have to wait for another import.
func (j *job) fillRun(r *Run, to *track.Run, trusted bool) (whole bool, err error) {
	if err := track.LogAll(j.ctx, j.dst, r.ID, track.Batch{Tags: j.tags(r), Params: j.params(r, to)}); err != nil {
		return false, err
	}
	if err := j.inputs(r); err != nil {
		return false, err
	}
	if err := j.points(r); err != nil {
		return false, err
	}
	j.moved[r.ArtifactURI] = to.ArtifactURI
	return j.files("run "+r.ID, to.ArtifactURI, trusted, func(f func(*File) error) error { return j.src.Files(j.ctx, r, f) })
}

func (j *job) inputs(r *Run) error {
	inputs := slices.DeleteFunc(slices.Clone(r.Inputs), func(in track.DatasetInput) bool {
		err := track.CheckDatasetInput(&in)
		if err != nil {
			j.Warn("run "+r.ID, err.Error())
		}
		return err != nil
	})
	for i := range inputs {
		cleanDataset(&inputs[i])
	}
	models := slices.DeleteFunc(slices.Clone(r.ModelInputs), func(m track.ModelInput) bool { return !j.hasModel(m.ModelID) })
	if len(inputs)+len(models) > 0 {
		if err := j.dst.LogInputs(j.ctx, r.ID, inputs, models); err != nil {
			return err
		}
	}
	outputs := slices.DeleteFunc(slices.Clone(r.ModelOutputs), func(m track.ModelOutput) bool { return !j.hasModel(m.ModelID) })
	if len(outputs) == 0 {
		return nil
	}
	return j.dst.LogOutputs(j.ctx, r.ID, outputs)
}

// points logs the curves, a batch at a time.
func (j *job) points(r *Run) error {
	var batch []track.Metric
	log := func() error {
		err := j.dst.LogBatch(j.ctx, r.ID, track.Batch{Metrics: batch})
		j.report.Points += countPoints(batch)
		batch = batch[:0]
		return err
	}
	err := j.src.Points(j.ctx, r, func(m track.Metric) error {
		if m, ok := j.point(r, m); ok {
			batch = append(batch, m)
		}
		if len(batch) < track.MaxBatchMetrics {
			return nil
		}
		return log()
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return log()
}

// countPoints counts points; those about logged models are there without, too.
func countPoints(batch []track.Metric) (n int64) {
	for i := range batch {
		if batch[i].ModelID == "" {
			n++
		}
	}
	return n
}

// finishRun says how the run ended, and that all of it is here if it is.
func (j *job) finishRun(r *Run, whole bool) error {
	if _, err := j.dst.UpdateRun(j.ctx, r.ID, track.RunUpdate{Status: r.Status, End: r.End}); err != nil {
		return err
	}
	if whole {
		if err := j.dst.DeleteTag(j.ctx, r.ID, UnfinishedTag); err != nil {
			return err
		}
	}
	if r.Lifecycle != track.Deleted {
		return nil
	}
	return j.dst.DeleteRun(j.ctx, r.ID)
}

// countRun counts what would be brought.
func (j *job) countRun(r *Run) error {
	err := j.src.Points(j.ctx, r, func(m track.Metric) error {
		if m, ok := j.point(r, m); ok {
			j.report.Points += countPoints([]track.Metric{m})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return j.src.Files(j.ctx, r, j.countFile)
}
