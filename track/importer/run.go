package importer

import (
	"errors"
	"io/fs"
	"regexp"
	"slices"

	"github.com/xtrepro/xt/track"
)

var runID = regexp.MustCompile(`^[0-9a-f]{32}$`)

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
	switch {
	case err == nil && !hasTag(was.Tags, UnfinishedTag):
		j.report.Present++
		j.moved[r.ArtifactURI] = was.ArtifactURI
		return nil
	case err != nil && track.CodeOf(err) != track.NotFound:
		return err
	}
	if j.DryRun {
		return j.countRun(r)
	}
	if was, err = j.begin(t, r, &was); err != nil {
		return err
	}
	if err := j.fillRun(r, &was); err != nil {
		return err
	}
	j.report.Runs++
	return j.finishRun(r)
}

// begin makes the run, or opens what an import before has made of it.
func (j *job) begin(t *target, r *Run, was *track.Run) (track.Run, error) {
	if err := j.open(t); err != nil {
		return *was, err
	}
	if was.ID != "" {
		return *was, j.dst.RestoreRun(j.ctx, r.ID)
	}
	n := track.NewRun{ID: r.ID, Experiment: t.ID, Name: plain(r.Name), User: plain(r.User), Status: r.Status, Start: r.Start}
	for _, tag := range r.Tags {
		if tag.Key == track.RunNameTag && tag.Value != "" {
			n.Name = plain(tag.Value)
		}
	}
	n.Name = track.Clip(n.Name, track.MaxTagValue)
	n.Tags = []track.Tag{{Key: UnfinishedTag, Value: "unfinished"}}
	return j.dst.CreateRun(j.ctx, n)
}

// fillRun logs what the run has. All of it can be logged again.
func (j *job) fillRun(r *Run, to *track.Run) error {
	if err := track.LogAll(j.ctx, j.dst, r.ID, track.Batch{Tags: j.tags(r), Params: j.params(r, to)}); err != nil {
		return err
	}
	if err := j.inputs(r); err != nil {
		return err
	}
	if err := j.points(r); err != nil {
		return err
	}
	j.moved[r.ArtifactURI] = to.ArtifactURI
	return j.files("run "+r.ID, to.ArtifactURI, func(f func(*File) error) error { return j.src.Files(j.ctx, r, f) })
}

func (j *job) inputs(r *Run) error {
	inputs := slices.DeleteFunc(slices.Clone(r.Inputs), func(in track.DatasetInput) bool {
		err := track.CheckDatasetInput(&in)
		if err != nil {
			j.Warn("run "+r.ID, err.Error())
		}
		return err != nil
	})
	var models []track.ModelInput
	for _, m := range r.ModelInputs {
		if _, err := j.dst.LoggedModel(j.ctx, m.ModelID); err == nil {
			models = append(models, m)
		}
	}
	if err := j.dst.LogInputs(j.ctx, r.ID, inputs, models); err != nil {
		return err
	}
	var outputs []track.ModelOutput
	for _, m := range r.ModelOutputs {
		if _, err := j.dst.LoggedModel(j.ctx, m.ModelID); err == nil {
			outputs = append(outputs, m)
		}
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

// finishRun says how the run ended, and that all of it is here.
func (j *job) finishRun(r *Run) error {
	if _, err := j.dst.UpdateRun(j.ctx, r.ID, track.RunUpdate{Status: r.Status, End: r.End}); err != nil {
		return err
	}
	if err := j.dst.DeleteTag(j.ctx, r.ID, UnfinishedTag); err != nil || r.Lifecycle != track.Deleted {
		return err
	}
	return j.dst.DeleteRun(j.ctx, r.ID)
}

// countRun counts what would be brought.
func (j *job) countRun(r *Run) error {
	j.report.Runs++
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

func (j *job) countFile(f *File) error {
	j.report.Artifacts++
	j.report.Bytes += max(f.Size, 0)
	return nil
}

// files stores artifacts below the URL of a run or model here. What is there in
// the same size was stored by an import before.
func (j *job) files(what, uri string, each func(func(*File) error) error) error {
	root, ok := track.ArtifactPathOf(uri)
	if !ok {
		return nil // its clients find them where they were
	}
	return each(func(f *File) error {
		p, err := root.Join(f.Path)
		if err != nil || p == root {
			j.Warn(what, "the artifact "+f.Path+" has a name that cannot be kept")
			return nil
		}
		if a, err := j.dst.Artifact(j.ctx, p); err == nil && !a.IsDir && f.Size >= 0 && a.Node.Size == f.Size {
			return j.stored(f.Size)
		}
		return j.store(what, p, f)
	})
}

func (j *job) store(what string, p track.Path, f *File) error {
	r, err := f.Open()
	if err != nil {
		if j.ctx.Err() != nil {
			return err
		}
		j.Warn(what, "the artifact "+f.Path+": "+reason(err))
		return nil
	}
	a, err := j.dst.PutArtifact(j.ctx, p, r)
	err = errors.Join(err, r.Close())
	if err == nil {
		return j.stored(a.Node.Size)
	}
	if track.CodeOf(err) != track.InvalidParameter {
		return err
	}
	j.Warn(what, "the artifact "+f.Path+": "+err.Error())
	return nil
}

func (j *job) stored(size int64) error {
	j.report.Artifacts++
	j.report.Bytes += size
	if j.File != nil {
		j.File(size)
	}
	return nil
}

// reason returns the error without the path that the warning names already.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

func hasTag(tags []track.Tag, key string) bool {
	return slices.ContainsFunc(tags, func(t track.Tag) bool { return t.Key == key })
}
