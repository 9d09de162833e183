package importer

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/xtrepro/xt/track"
)

var modelID = regexp.MustCompile(`^m-[0-9a-f]{32}$`)

// logged brings the logged models of an experiment.
func (j *job) logged(e *Experiment, t *target) error {
	return j.src.Models(j.ctx, e, func(m *Model) error {
		if !modelID.MatchString(m.ID) {
			j.Warn("logged model "+m.ID, "its ID is not m- and 32 hexadecimal digits")
			return nil
		}
		if err := j.model(t, m); err != nil {
			return fmt.Errorf("import logged model %s: %w", m.ID, err)
		}
		return nil
	})
}

func (j *job) model(t *target, m *Model) error {
	was, err := j.dst.LoggedModel(j.ctx, m.ID)
	switch {
	case err == nil && !hasTag(was.Tags, UnfinishedTag):
		j.moved[m.ArtifactURI], j.models[m.ID] = was.ArtifactURI, true
		return nil
	case err != nil && track.CodeOf(err) != track.NotFound:
		return err
	}
	if j.DryRun {
		j.report.LoggedModels++
		return j.src.ModelFiles(j.ctx, m, j.countFile)
	}
	if was.ID == "" {
		if was, err = j.createModel(t, m); err != nil || was.ID == "" {
			return err
		}
	}
	j.moved[m.ArtifactURI], j.models[m.ID] = was.ArtifactURI, true
	trusted := slices.Contains(was.Tags, j.mark)
	whole, err := j.files("logged model "+m.ID, was.ArtifactURI, trusted, func(f func(*File) error) error { return j.src.ModelFiles(j.ctx, m, f) })
	if err != nil {
		return err
	}
	if m.Status != track.ModelPending {
		if _, err := j.dst.FinalizeLoggedModel(j.ctx, m.ID, m.Status); err != nil {
			return err
		}
	}
	j.report.LoggedModels++
	if !whole {
		return nil
	}
	return j.dst.DeleteModelTag(j.ctx, m.ID, UnfinishedTag)
}

// hasModel reports whether the store has a logged model.
func (j *job) hasModel(id string) bool {
	has, known := j.models[id]
	if !known {
		_, err := j.dst.LoggedModel(j.ctx, id)
		has = err == nil
		j.models[id] = has
	}
	return has
}

// createModel makes a logged model. It has no ID if there cannot be one.
func (j *job) createModel(t *target, m *Model) (none track.LoggedModel, err error) {
	if err := j.open(t); err != nil {
		return none, err
	}
	n := track.NewLoggedModel{ID: m.ID, Experiment: t.ID, Name: plain(m.Name), Type: plain(m.Type), SourceRun: plain(m.SourceRun), Created: m.Created}
	for _, p := range m.Params {
		n.Params = append(n.Params, track.Param{Key: plain(p.Key), Value: plain(p.Value)})
	}
	n.Tags = append(plainTags(m.Tags), j.mark)
	made, err := j.dst.CreateLoggedModel(j.ctx, n)
	if code := track.CodeOf(err); err != nil && (code == track.InvalidParameter || code == track.AlreadyExists) {
		j.Warn("logged model "+m.ID, err.Error())
		return none, nil
	}
	return made, err
}
