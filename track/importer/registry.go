package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

// maxVersion is the highest number that a version can have in MLflow.
const maxVersion = 1<<31 - 1

// registry brings the registered models with their versions.
func (j *job) registry() error {
	return j.src.Registered(j.ctx, func(m *Registered) error {
		err := j.registered(m)
		if track.CodeOf(err) == track.InvalidParameter {
			j.Warn("registered model "+m.Name, err.Error())
			return nil
		}
		if err != nil {
			return fmt.Errorf("import registered model %q: %w", m.Name, err)
		}
		return nil
	})
}

// registered brings a registered model, or the versions that it has got since.
func (j *job) registered(m *Registered) error {
	slices.SortFunc(m.Versions, func(a, b track.ModelVersion) int { return cmp.Compare(a.Version, b.Version) })
	if len(j.Experiments) > 0 {
		m.Versions = slices.DeleteFunc(m.Versions, func(v track.ModelVersion) bool { return !j.seen[v.RunID] })
		if len(m.Versions) == 0 {
			return nil
		}
	}
	was, err := j.dst.RegisteredModel(j.ctx, m.Name)
	switch {
	case track.CodeOf(err) == track.NotFound:
		j.report.Registered++
		if j.DryRun {
			j.report.ModelVersions += len(m.Versions)
			return nil
		}
		if was, err = j.dst.CreateRegisteredModel(j.ctx, m.Name, plain(m.Description), j.registryTags(m.Name, m.Tags)); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	fresh, ok, err := j.freshVersions(m)
	if err != nil || !ok {
		return err
	}
	j.report.ModelVersions += len(fresh)
	if j.DryRun {
		return nil
	}
	if err := j.versions(m, fresh); err != nil {
		return err
	}
	if err := j.aliases(m, &was, fresh); err != nil {
		return err
	}
	for _, v := range fresh {
		if err := j.dst.DeleteModelVersionTag(j.ctx, m.Name, v.Version, UnfinishedTag); err != nil {
			return err
		}
	}
	return nil
}

// freshVersions returns the versions that are not here, or not with all that they
// have. It is false if the model here is another one of that name.
func (j *job) freshVersions(m *Registered) (fresh []*track.ModelVersion, ok bool, err error) {
	for i := range m.Versions {
		v := &m.Versions[i]
		if v.Version < 1 || v.Version > maxVersion || i > 0 && v.Version == m.Versions[i-1].Version {
			j.Warn("registered model "+m.Name, fmt.Sprintf("%d is no number of a version", v.Version))
			continue
		}
		was, err := j.dst.ModelVersion(j.ctx, m.Name, v.Version)
		switch {
		case track.CodeOf(err) == track.NotFound:
			fresh = append(fresh, v)
		case err != nil:
			return nil, false, err
		case was.Source != plain(v.Source) || was.RunID != plain(v.RunID):
			j.Warn("registered model "+m.Name, fmt.Sprintf("is left alone, since another model has that name here: its version %d is of another source", v.Version))
			return nil, false, nil
		case hasTag(was.Tags, UnfinishedTag):
			fresh = append(fresh, v)
		}
	}
	return fresh, true, nil
}

func (j *job) registryTags(name string, tags []track.Tag) []track.Tag {
	var kept []track.Tag
	for _, t := range tags {
		t.Value = plain(t.Value)
		if err := track.CheckLimitedTag(t, track.MaxRegistryTagValue); err != nil {
			j.Warn("registered model "+name, err.Error())
			continue
		}
		kept = append(kept, t)
	}
	return kept
}

// versions brings versions under their numbers, and into their stages.
func (j *job) versions(m *Registered, fresh []*track.ModelVersion) error {
	for _, v := range fresh {
		if err := j.createVersion(m.Name, v); err != nil && track.CodeOf(err) != track.AlreadyExists {
			return err
		}
		if v.Stage == "" || v.Stage == "None" {
			continue
		}
		_, err := j.dst.StageModelVersion(j.ctx, m.Name, v.Version, v.Stage, archives(m, v))
		if track.CodeOf(err) == track.InvalidParameter {
			j.Warn("registered model "+m.Name, fmt.Sprintf("the stage of version %d: %v", v.Version, err))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// archives reports whether a version has taken the place of those that were in its
// stage before.
func archives(m *Registered, v *track.ModelVersion) bool {
	stage, err := track.CheckStage(v.Stage)
	if err != nil || stage != "Staging" && stage != "Production" {
		return false
	}
	return !slices.ContainsFunc(m.Versions, func(o track.ModelVersion) bool { return o.Version != v.Version && o.Stage == v.Stage })
}

func (j *job) createVersion(name string, v *track.ModelVersion) error {
	_, err := j.dst.CreateModelVersion(j.ctx, track.NewModelVersion{
		Name: name, Version: v.Version, Description: plain(v.Description), Source: plain(v.Source), RunID: plain(v.RunID), RunLink: plain(v.RunLink),
		ModelID: plain(v.ModelID), User: plain(v.User), Created: v.Created, Tags: append(j.registryTags(name, v.Tags), j.mark),
		StorageLocation: j.here(cmp.Or(v.StorageLocation, v.Source)),
	})
	return err
}

// here returns where files that the source names are in the store.
func (j *job) here(uri string) string {
	for dir := uri; dir != ""; {
		if to := j.moved[dir]; to != "" {
			return to + uri[len(dir):]
		}
		dir = dir[:max(strings.LastIndexByte(dir, '/'), 0)]
	}
	if id, ok := strings.CutPrefix(uri, "models:/"); ok && modelID.MatchString(id) {
		if m, err := j.dst.LoggedModel(j.ctx, id); err == nil {
			return m.ArtifactURI
		}
	}
	return ""
}

// aliases sets the aliases that are not here, or that have moved to a version that
// was not.
func (j *job) aliases(m *Registered, was *track.RegisteredModel, fresh []*track.ModelVersion) error {
	for _, a := range m.Aliases {
		isHere := slices.ContainsFunc(was.Aliases, func(o track.Alias) bool { return o.Name == a.Name })
		if isHere && !slices.ContainsFunc(fresh, func(v *track.ModelVersion) bool { return v.Version == a.Version }) {
			continue
		}
		err := j.dst.SetAlias(j.ctx, m.Name, a.Name, a.Version)
		if code := track.CodeOf(err); err != nil && (code == track.InvalidParameter || code == track.NotFound) {
			j.Warn("registered model "+m.Name, fmt.Sprintf("the alias %s of version %d: %v", a.Name, a.Version, err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
