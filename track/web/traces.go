package web

import (
	"encoding/json"
	"strings"

	"github.com/xtrepro/xt/track"
)

type shownTrace struct {
	ID          string            `json:"id"`
	Experiment  int64             `json:"exp"`
	Name        string            `json:"name"`
	Time        int64             `json:"time"`
	Duration    int64             `json:"duration"`
	State       string            `json:"state"`
	Request     string            `json:"request"`
	Response    string            `json:"response"`
	Tags        map[string]string `json:"tags"`
	Metadata    map[string]string `json:"metadata"`
	Assessments []shownAssessment `json:"assessments"`
}

type shownAssessment struct {
	Name      string `json:"name"`
	By        string `json:"by"`
	Value     string `json:"value"`
	Rationale string `json:"rationale"`
	Expected  bool   `json:"expected"`
}

type shownSpan struct {
	ID      string          `json:"id"`
	Parent  string          `json:"parent"`
	Name    string          `json:"name"`
	Type    string          `json:"type"`
	Status  string          `json:"status"`
	Start   int64           `json:"start"`   // in microseconds since the trace began
	Took    int64           `json:"took"`    // likewise; -1 while it lasts
	Content json.RawMessage `json:"content"` // as it was sent
}

func newShownTrace(t *track.TraceInfo) shownTrace {
	s := shownTrace{
		ID: t.ID, Experiment: t.Experiment, Time: t.RequestTime, Duration: t.Duration, State: t.State,
		Request: t.RequestPreview, Response: t.ResponsePreview, Tags: tagMap(t.Tags), Metadata: tagMap(t.Metadata), Assessments: []shownAssessment{},
	}
	s.Name = s.Tags["mlflow.traceName"]
	for _, a := range t.Assessments {
		if a.Valid {
			s.Assessments = append(s.Assessments, shownAssessment{a.Name, a.SourceID, a.Value, a.Rationale, a.Expectation})
		}
	}
	return s
}

func tagMap(tags []track.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// traces answers with those of a run, or of all.
func (c *call) traces() (any, error) {
	limit, err := c.number("max", 50, 1, 500)
	if err != nil {
		return nil, err
	}
	at, err := c.number("at", 0, 0, 1<<40)
	if err != nil {
		return nil, err
	}
	s := track.TraceSearch{Search: track.Search{Max: limit, Filter: c.query.Get("q")}}
	if at > 0 {
		s.PageToken = track.OffsetToken(at)
	}
	if id := c.query.Get("id"); id != "" {
		if strings.ContainsAny(id, `'"`+"`\\") {
			return nil, track.Errorf(track.InvalidParameter, "%q is no run.", id)
		}
		s.Filter = "attributes.run_id = '" + id + "'"
	}
	if s.Experiments, err = c.searchedExperiments(track.ActiveOnly); err != nil {
		return nil, err
	}
	page, err := c.store.SearchTraces(c.r.Context(), s)
	list := []shownTrace{}
	for i := range page.Items {
		list = append(list, newShownTrace(&page.Items[i]))
	}
	return struct {
		Traces []shownTrace `json:"traces"`
		More   bool         `json:"more"`
	}{list, page.Next != ""}, err
}

func (c *call) trace() (any, error) {
	id := c.query.Get("id")
	found, err := c.store.Traces(c.r.Context(), []string{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, track.Errorf(track.NotFound, "There is no trace %s.", id)
	}
	t := &found[0]
	var start int64
	for i, s := range t.Spans {
		if i == 0 || s.StartNano < start {
			start = s.StartNano
		}
	}
	spans := []shownSpan{}
	for _, s := range t.Spans {
		sp := shownSpan{ID: s.ID, Parent: s.Parent, Name: s.Name, Type: s.Type, Status: s.Status, Start: (s.StartNano - start) / 1000, Took: -1, Content: json.RawMessage("null")}
		if s.EndNano > 0 {
			sp.Took = (s.EndNano - s.StartNano) / 1000
		}
		if json.Valid([]byte(s.Content)) {
			sp.Content = json.RawMessage(s.Content)
		}
		spans = append(spans, sp)
	}
	return struct {
		shownTrace
		Spans []shownSpan `json:"spans"`
	}{newShownTrace(&t.TraceInfo), spans}, nil
}

type shownPrompt struct {
	Name     string          `json:"name"`
	Versions []promptVersion `json:"versions"` // the newest first
}

type promptVersion struct {
	Version int64    `json:"version"`
	Text    string   `json:"text"`
	Time    int64    `json:"time"`
	Aliases []string `json:"aliases"`
	Message string   `json:"message"`
}

// prompts answers with the prompts of the registry, and all of their versions.
func (c *call) prompts() (any, error) {
	ctx, isPrompt := c.r.Context(), "tags.`"+track.PromptTag+"` = 'true'"
	models, err := c.Registry.SearchRegisteredModels(ctx, track.Search{Filter: isPrompt, Max: 500})
	if err != nil {
		return nil, err
	}
	list := []shownPrompt{}
	for _, m := range models.Items {
		page, err := c.Registry.SearchModelVersions(ctx, track.Search{Max: 200, OrderBy: []string{"version_number DESC"},
			Filter: "name = '" + strings.ReplaceAll(m.Name, "'", "''") + "' AND " + isPrompt})
		if err != nil {
			return nil, err
		}
		p := shownPrompt{Name: m.Name, Versions: []promptVersion{}}
		for _, v := range page.Items {
			p.Versions = append(p.Versions, promptVersion{v.Version, tagMap(v.Tags)["mlflow.prompt.text"], v.Created, orEmpty(v.Aliases), v.Description})
		}
		list = append(list, p)
	}
	return list, nil
}
