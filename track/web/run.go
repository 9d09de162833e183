package web

import (
	"io"
	"strings"

	"github.com/xtrepro/xt/track"
)

// pageOfRun is all that the page of a run shows at once.
type pageOfRun struct {
	shownRun
	ExperimentName    string       `json:"exp_name"`
	ExperimentDeleted bool         `json:"exp_deleted"`
	ArtifactURI       string       `json:"artifact_uri"`
	ArtifactsHere     bool         `json:"artifacts_here"`
	Origin            *shownOrigin `json:"origin"`
	Inputs            []shownInput `json:"datasets"`
	Models            []shownModel `json:"models"`
	Made              *Made        `json:"made"`
	Parent            *link        `json:"parent"`
	Children          []shownRun   `json:"children"`
	MoreChildren      bool         `json:"more_children"`
	HasLog            bool         `json:"has_log"`
	HasMedia          bool         `json:"has_media"` // there is a folder of that name, as W&B has one
}

type link struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type shownOrigin struct {
	Kind        track.Kind `json:"kind"`
	Stage       string     `json:"stage"`
	Command     string     `json:"command"`
	Fingerprint string     `json:"fingerprint"`
	Commit      string     `json:"commit"`
	Dirty       bool       `json:"dirty"`
	ExitCode    int        `json:"exit_code"`
	Duration    int64      `json:"duration"`
}

type shownInput struct {
	Name    string `json:"name"`
	Digest  string `json:"digest"`
	Source  string `json:"source"`
	Profile string `json:"profile"`
	Context string `json:"context"`
}

type shownModel struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Output bool   `json:"output"`
}

// maxChildren is how many of the runs below one its page shows; the table has all.
const maxChildren = 200

func (c *call) run() (any, error) {
	ctx := c.r.Context()
	r, err := c.store.Run(ctx, c.query.Get("id"))
	if err != nil {
		return nil, err
	}
	p := &pageOfRun{shownRun: wholeRun(&r), ArtifactURI: r.ArtifactURI, Inputs: []shownInput{}, Models: []shownModel{}, Children: []shownRun{}}
	_, p.ArtifactsHere = track.ArtifactPathOf(r.ArtifactURI)
	e, err := c.store.Experiment(ctx, r.Experiment)
	if err != nil {
		return nil, err
	}
	p.ExperimentName, p.ExperimentDeleted = e.Name, e.Lifecycle == track.Deleted
	p.describe(&r)
	if p.HasMedia, err = c.hasMedia(&r); err != nil {
		return nil, err
	}
	for _, m := range r.ModelInputs {
		p.Models = append(p.Models, c.modelOf(m.ModelID, false))
	}
	for _, m := range r.ModelOutputs {
		p.Models = append(p.Models, c.modelOf(m.ModelID, true))
	}
	if parent := p.Tags[track.ParentRunTag]; parent != "" {
		name, err := c.nameOf(ctx, parent)
		if err != nil {
			return nil, err
		}
		p.Parent = &link{parent, name}
	}
	if err := c.addChildren(p); err != nil {
		return nil, err
	}
	return p, c.addMade(p, &r)
}

// wholeRun is a run with all of its values, whole.
func wholeRun(r *track.Run) shownRun {
	s := newShownRun(&track.Run{RunInfo: r.RunInfo, Metrics: r.Metrics}, nil)
	s.Name, s.More = r.Name, 0
	for _, m := range r.Metrics {
		s.Metrics[m.Key] = [2]Value{Value(m.Value), Value(m.Step)}
	}
	for _, p := range r.Params {
		s.Params[p.Key] = p.Value
	}
	for _, t := range r.Tags {
		s.Tags[t.Key] = t.Value
	}
	return s
}

func (p *pageOfRun) describe(r *track.Run) {
	if o := r.Origin; o != nil {
		p.Origin = &shownOrigin{o.Kind, o.Stage, o.Command, o.Fingerprint, o.Commit, o.Dirty, o.ExitCode, o.Duration}
		p.HasLog = o.Log != ""
	}
	for _, in := range r.Inputs {
		s := shownInput{Name: in.Dataset.Name, Digest: in.Dataset.Digest, Source: track.Clip(in.Dataset.Source, 1000), Profile: track.Clip(in.Dataset.Profile, 1000)}
		for _, t := range in.Tags {
			if t.Key == "mlflow.data.context" {
				s.Context = t.Value
			}
		}
		p.Inputs = append(p.Inputs, s)
	}
}

func (c *call) hasMedia(r *track.Run) (bool, error) {
	root, ok := track.ArtifactPathOf(r.ArtifactURI)
	if !ok {
		return false, nil
	}
	p, err := root.Join("media")
	if err != nil {
		return false, err
	}
	files, err := c.store.ListArtifacts(c.r.Context(), p)
	return len(files) > 0, err
}

// modelOf describes a logged model, as far as it is there.
func (c *call) modelOf(id string, output bool) shownModel {
	m, err := c.store.LoggedModel(c.r.Context(), id)
	if err != nil {
		return shownModel{ID: id, Name: id, Status: "not there", Output: output}
	}
	return shownModel{id, m.Name, strings.ToLower(strings.TrimPrefix(string(m.Status), "LOGGED_MODEL_")), output}
}

func (c *call) addChildren(p *pageOfRun) error {
	in, err := c.searchedExperiments(track.ActiveOnly)
	if err != nil {
		return err
	}
	page, err := c.store.SearchRuns(c.r.Context(), track.RunSearch{Experiments: in, Bare: true,
		Search: track.Search{Max: maxChildren, Filter: "tags.`" + track.ParentRunTag + "` = '" + p.ID + "'"}})
	for i := range page.Items {
		p.Children = append(p.Children, newShownRun(&page.Items[i], nil))
	}
	p.MoreChildren = page.Next != ""
	return err
}

func (c *call) addMade(p *pageOfRun, r *track.Run) (err error) {
	if c.Runs == nil {
		return nil
	}
	p.Made, err = c.Runs.Made(c.r.Context(), r)
	return err
}

// maxLog is how much of a log is sent at once.
const maxLog = 256 << 10

// log answers with a part of what a command wrote: from an offset on, or the end of
// it.
func (c *call) log() (any, error) {
	from, err := c.number("from", -1, 0, 1<<50)
	if err != nil {
		return nil, err
	}
	r, err := c.store.Run(c.r.Context(), c.query.Get("id"))
	if err != nil {
		return nil, err
	}
	part := struct {
		Text string `json:"text"`
		From int64  `json:"from"`
		Next int64  `json:"next"`
		Size int64  `json:"size"`
		Kept bool   `json:"kept"`
		Live bool   `json:"live"`
	}{Live: r.Status == track.Running}
	if c.Runs == nil {
		return part, nil
	}
	f, err := c.Runs.Log(c.r.Context(), &r)
	if err != nil || f == nil {
		return part, err
	}
	defer f.Close()
	part.Kept = true
	if part.Size, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	if part.From = int64(from); from < 0 {
		part.From = max(0, part.Size-maxLog)
	}
	if _, err = f.Seek(min(part.From, part.Size), io.SeekStart); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLog))
	part.Next = part.From + int64(len(b))
	part.Text = strings.ToValidUTF8(string(b), "�")
	return part, err
}

// changes answers with what of code, data and environment differs between a run and
// others.
func (c *call) changes() (any, error) {
	ids := c.query["run"]
	if len(ids) < 2 || len(ids) > 50 {
		return nil, track.Errorf(track.InvalidParameter, "Name from 2 to 50 runs to compare.")
	}
	old, err := c.store.Run(c.r.Context(), ids[0])
	if err != nil {
		return nil, err
	}
	lists := [][]Change{}
	for _, id := range ids[1:] {
		run, err := c.store.Run(c.r.Context(), id)
		if err != nil {
			return nil, err
		}
		var list []Change
		if c.Runs != nil {
			if list, err = c.Runs.Changes(c.r.Context(), &old, &run); err != nil {
				return nil, err
			}
		}
		lists = append(lists, orEmpty(list))
	}
	return lists, nil
}
