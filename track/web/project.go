package web

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

func (c *call) project() (Project, error) {
	if c.Project == nil {
		return nil, track.Errorf(track.InvalidState, "These runs belong to no project.")
	}
	return c.Project, nil
}

func (c *call) pipeline() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	return p.Pipeline(c.r.Context(), c.query.Get("rev"))
}

func (c *call) compare() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	return p.Compare(c.r.Context(), c.query.Get("old"), c.query.Get("new"))
}

func (c *call) data() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	list, err := p.Data(c.r.Context())
	return orEmpty(list), err
}

func (c *call) holdings() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	list, err := p.Holdings(c.r.Context())
	return orEmpty(list), err
}

// models answers with the models in git, or where there is no git with those of the
// store.
func (c *call) models() (any, error) {
	if c.Models == nil {
		list, err := c.storedModels(nil)
		return orEmpty(list), err
	}
	list, err := c.Models.Models(c.r.Context())
	if err != nil {
		return nil, err
	}
	stored, err := c.storedModels(list)
	return orEmpty(append(list, stored...)), err
}

// storedModels are the models that are in the store and not among those in git, as
// they would be there.
func (c *call) storedModels(git []Model) ([]Model, error) {
	page, err := c.Registry.SearchRegisteredModels(c.r.Context(), track.Search{Max: 500})
	if err != nil {
		return nil, err
	}
	list := []Model{}
	for _, m := range page.Items {
		if slices.ContainsFunc(git, func(g Model) bool { return g.Name == m.Name || strings.HasSuffix(g.Name, ":"+m.Name) }) {
			continue
		}
		versions, err := c.Registry.SearchModelVersions(c.r.Context(), track.Search{Max: 200, OrderBy: []string{"version_number DESC"},
			Filter: "name = '" + strings.ReplaceAll(m.Name, "'", "''") + "'"})
		if err != nil {
			return nil, err
		}
		model := Model{Name: m.Name, Stored: true, History: []ModelEvent{}, Rules: []StageRules{}, Versions: []ModelVersion{}}
		for i := range versions.Items {
			v, err := c.storedVersion(&versions.Items[i])
			if err != nil {
				return nil, err
			}
			model.Versions = append(model.Versions, v)
		}
		list = append(list, model)
	}
	return list, nil
}

// storedVersion is a version of the store. Its metrics are those of its run.
func (c *call) storedVersion(v *track.ModelVersion) (ModelVersion, error) {
	m := ModelVersion{
		Version: strconv.FormatInt(v.Version, 10), Number: int(v.Version), Time: time.UnixMilli(v.Created), By: v.User, Description: v.Description,
		Stages: []string{}, Behind: []string{}, Aliases: orEmpty(v.Aliases), Run: v.RunID, Path: v.Source, Metrics: map[string]Value{},
		Tags: []Fact{}, Lineage: []Input{}, Rules: []RuleOutcome{},
	}
	if v.Stage != "" && v.Stage != "None" {
		m.Stages = append(m.Stages, v.Stage)
	}
	for _, t := range v.Tags {
		m.Tags = append(m.Tags, Fact{t.Key, t.Value})
	}
	r, err := c.store.Run(c.r.Context(), v.RunID)
	if track.CodeOf(err) == track.NotFound || v.RunID == "" {
		return m, nil
	}
	for _, x := range r.Metrics {
		m.Metrics[x.Key] = Value(x.Value)
	}
	return m, err
}

// maxBody is how long what the page sends may be.
const maxBody = 64 << 10

// promote carries out a promotion. It comes as JSON, which no form of another site
// can send, and the guard looks at where it comes from besides.
func (c *call) promote() (any, error) {
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, track.Errorf(track.InvalidParameter, "A promotion is sent as application/json.")
	}
	b, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		return nil, track.Errorf(track.InvalidParameter, "The promotion cannot be read: %v", err)
	}
	var p Promotion
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, track.Errorf(track.InvalidParameter, "The promotion cannot be read: %v", err)
	}
	if p.Model == "" || p.Version == "" || p.Stage == "" {
		return nil, track.Errorf(track.InvalidParameter, "A promotion names a model, a version and a stage.")
	}
	words := p.Model + " " + p.Version + " is in " + p.Stage
	if c.Models == nil || p.Stored {
		err = c.promoteStored(p)
	} else {
		words, err = c.Models.Promote(c.r.Context(), p)
	}
	return map[string]string{"done": words}, err
}

// promoteStored promotes a version that is in the store.
func (c *call) promoteStored(p Promotion) error {
	n, err := strconv.ParseInt(p.Version, 10, 64)
	if err != nil {
		return track.Errorf(track.InvalidParameter, "%q is no version.", p.Version)
	}
	if _, err := c.Registry.StageModelVersion(c.r.Context(), p.Model, n, p.Stage, true); err != nil || p.Comment == "" {
		return err
	}
	return c.Registry.SetModelVersionTag(c.r.Context(), p.Model, n, track.Tag{Key: "xt.promoted", Value: p.Stage + ": " + p.Comment})
}
