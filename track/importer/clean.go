package importer

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/track"
)

// plain returns a text that any store can hold.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// key returns a key that the rules of the store take.
func (j *job) key(what, key string, check func(string) error) (string, bool) {
	clean := plain(key)
	if check(clean) == nil {
		return clean, true
	}
	clean = track.CleanKey(clean)
	if err := check(clean); err != nil {
		j.Warn(what, err.Error())
		return "", false
	}
	return clean, true
}

func (j *job) tags(r *Run) []track.Tag {
	var tags []track.Tag
	for _, t := range r.Tags {
		key, ok := j.key("run "+r.ID, t.Key, func(k string) error { _, err := track.CheckTag(track.Tag{Key: k}); return err })
		// An empty name would be replaced by a random one, and this is its own mark.
		if !ok || key == UnfinishedTag || key == track.RunNameTag {
			continue
		}
		tags = append(tags, track.Tag{Key: key, Value: plain(t.Value)})
	}
	return tags
}

// params returns the parameters of a run that are not there yet. Values that are
// too long are cut by the store.
func (j *job) params(r *Run, there *track.Run) []track.Param {
	seen := map[string]bool{}
	for _, p := range there.Params {
		seen[p.Key] = true
	}
	var params []track.Param
	for _, p := range r.Params {
		key, ok := j.key("run "+r.ID, p.Key, func(k string) error { _, err := track.CheckParam(track.Param{Key: k}); return err })
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		params = append(params, track.Param{Key: key, Value: plain(p.Value)})
	}
	return params
}

// cleanDataset makes the texts of a dataset such as any store can hold.
func cleanDataset(in *track.DatasetInput) {
	d := &in.Dataset
	for _, text := range []*string{&d.Name, &d.Digest, &d.SourceType, &d.Source, &d.Schema, &d.Profile} {
		*text = plain(*text)
	}
	in.Tags = plainTags(in.Tags)
}

func plainTags(tags []track.Tag) []track.Tag {
	var clean []track.Tag
	for _, t := range tags {
		clean = append(clean, track.Tag{Key: plain(t.Key), Value: plain(t.Value)})
	}
	return clean
}

// point returns a point as the store takes it.
func (j *job) point(r *Run, m track.Metric) (track.Metric, bool) {
	key, ok := j.key("run "+r.ID, m.Key, func(k string) error { return track.CheckMetric(track.Metric{Key: k}) })
	if !ok {
		return m, false
	}
	if m.Time < 0 {
		j.Warn("run "+r.ID, fmt.Sprintf("a point of %s at the time %d", key, m.Time))
		return m, false
	}
	if m.ModelID != "" && !j.hasModel(m.ModelID) {
		return m, false // the run has the point without it
	}
	m.Key, m.DatasetName, m.DatasetDigest = key, plain(m.DatasetName), plain(m.DatasetDigest)
	return m, true
}

// keptLocation returns where the artifacts of an experiment are to go: to the
// store, unless they are in one that clients can go on to use.
func keptLocation(uri string) string {
	scheme, _, ok := strings.Cut(uri, ":/")
	switch {
	case !ok || len(scheme) < 2, scheme == "file", scheme == "mlflow-artifacts", scheme == "http", scheme == "https":
		return ""
	case track.CheckLocation(uri) != nil:
		return ""
	}
	return plain(uri)
}
