package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

// maxGap is how many numbers of versions that are gone are made up for.
const maxGap = 1000

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
	case err == nil && !hasTag(was.Tags, UnfinishedTag):
		return nil
	case err != nil && track.CodeOf(err) != track.NotFound:
		return err
	}
	if j.DryRun {
		j.report.Registered++
		j.report.ModelVersions += len(m.Versions)
		return nil
	}
	if err != nil {
		tags := append(j.registryTags(m.Name, m.Tags), track.Tag{Key: UnfinishedTag, Value: "unfinished"})
		if _, err := j.dst.CreateRegisteredModel(j.ctx, m.Name, plain(m.Description), tags); err != nil {
			return err
		}
	}
	if err := j.versions(m); err != nil {
		return err
	}
	j.report.Registered++
	return j.dst.DeleteRegisteredModelTag(j.ctx, m.Name, UnfinishedTag)
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

// versions brings versions under their numbers. Those that are gone in the source
// are made and deleted, since a store counts them.
func (j *job) versions(m *Registered) error {
	var fillers []int64
	next := int64(1)
	for i := range m.Versions {
		v := &m.Versions[i]
		if v.Version < next || v.Version-next > maxGap {
			j.Warn(fmt.Sprintf("registered model %s, version %d", m.Name, v.Version), "the number is out of order")
			continue
		}
		for ; next < v.Version; next++ {
			fillers = append(fillers, next)
			if err := j.version(m.Name, &track.ModelVersion{Version: next}); err != nil {
				return err
			}
		}
		next = v.Version + 1
		if err := j.version(m.Name, v); err != nil {
			return err
		}
		j.report.ModelVersions++
	}
	for _, n := range fillers {
		if err := j.dst.DeleteModelVersion(j.ctx, m.Name, n); err != nil && track.CodeOf(err) != track.NotFound {
			return err
		}
	}
	return j.aliases(m)
}

// version makes a version unless it is there, and says how far it is.
func (j *job) version(name string, v *track.ModelVersion) error {
	_, err := j.dst.ModelVersion(j.ctx, name, v.Version)
	if track.CodeOf(err) == track.NotFound {
		err = j.createVersion(name, v)
	}
	if err != nil || v.Stage == "" || v.Stage == "None" {
		return err
	}
	_, err = j.dst.StageModelVersion(j.ctx, name, v.Version, v.Stage, false)
	return err
}

func (j *job) createVersion(name string, v *track.ModelVersion) error {
	n := track.NewModelVersion{
		Name: name, Description: plain(v.Description), Source: plain(v.Source), RunID: plain(v.RunID), RunLink: plain(v.RunLink),
		ModelID: plain(v.ModelID), User: plain(v.User), Tags: j.registryTags(name, v.Tags),
		StorageLocation: j.here(cmp.Or(v.StorageLocation, v.Source)),
	}
	made, err := j.dst.CreateModelVersion(j.ctx, n)
	if err == nil && made.Version != v.Version {
		return fmt.Errorf("version %d got the number %d", v.Version, made.Version)
	}
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

func (j *job) aliases(m *Registered) error {
	aliases := m.Aliases
	for i := range m.Versions {
		for _, name := range m.Versions[i].Aliases {
			aliases = append(aliases, track.Alias{Name: name, Version: m.Versions[i].Version})
		}
	}
	for _, a := range aliases {
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
