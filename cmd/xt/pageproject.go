package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/web"
)

// pageProject tells the page about the project. It reads xt.toml and xt.lock anew
// for each question, since people change them while the server runs. It implements
// [web.Project].
type pageProject struct {
	a     *app
	store track.Store
}

// open opens the project to look at. Nothing is said on the terminal of the server.
func (p *pageProject) open() (*pipeline.Workspace, error) {
	w, err := pipeline.Open(p.a.dir, pipeline.OpenOptions{Settings: readSettings})
	return w, asked(err)
}

// Pipeline implements [web.Project].
func (p *pageProject) Pipeline(ctx context.Context, rev string) (*web.Pipeline, error) {
	w, err := p.open()
	if err != nil {
		return nil, err
	}
	plan, graph, err := planAt(ctx, w, rev)
	if err != nil {
		return nil, asked(err)
	}
	out := &web.Pipeline{Stages: []web.Stage{}, Edges: [][2]int{}, Commits: lockCommits(w)}
	var stages []*pipeline.Stage
	for _, step := range plan.Steps {
		stages = append(stages, step.Stage)
		s := newWebStage(step, w.Lock.File().Stages[step.Stage.Name])
		r, err := runBehind(ctx, p.store, s.Fingerprint)
		if err != nil {
			return nil, err
		}
		s.Run, s.Seconds = r.ID, float64(r.End-r.Start)/1000
		out.Stages = append(out.Stages, s)
	}
	for _, e := range newDAG(graph, stages).Edges {
		out.Edges = append(out.Edges, [2]int{e.From, e.To})
	}
	return out, nil
}

// planAt returns how the stages stand: in the workspace, or compared with xt.lock as
// a commit has both.
func planAt(ctx context.Context, w *pipeline.Workspace, rev string) (*pipeline.Plan, *pipeline.Graph, error) {
	if rev != "" {
		s, err := pipeline.OpenSnapshot(w.Root, rev)
		if err != nil {
			return nil, nil, err
		}
		plan, err := s.Check(ctx)
		return plan, s.Graph, err
	}
	stages, err := w.Graph.Select(nil, pipeline.SelectOptions{})
	if err != nil {
		return nil, nil, err
	}
	facts, err := w.Facts(ctx, stages)
	if err != nil {
		return nil, nil, err
	}
	// What was hashed now need not be hashed at the next question.
	return pipeline.NewPlan(w.Graph, stages, facts, pipeline.Options{AllowMissing: true}), w.Graph, w.SaveIndex()
}

// lockCommits returns the newest commits that changed xt.lock.
func lockCommits(w *pipeline.Workspace) []web.Commit {
	list := []web.Commit{}
	if w.Repo == nil {
		return list
	}
	for _, c := range w.Repo.Changes(w.Prefix()+pipeline.LockFile, "", maxCommits) {
		list = append(list, web.Commit{ID: c.Hash, Subject: c.Subject, Time: c.Time})
	}
	return list
}

// maxCommits is how far back the page looks.
const maxCommits = 40

// newWebStage tells how a stage stands. Of one that is to be run, the outputs are those
// that are recorded; nil if there are none.
func newWebStage(step *pipeline.Step, recorded *lock.Stage) web.Stage {
	st, e := newStageStatus(step), step.Entry
	s := web.Stage{
		Name: st.Stage, Desc: step.Stage.Desc, Cmd: step.Stage.Cmd, State: dagState(step), Action: step.Action.String(), How: st.How, Fingerprint: st.Fingerprint,
		Reasons: []string{}, Inputs: webInputs(e), Outputs: webItems("output", e.Outs), Params: []web.Fact{},
	}
	if step.Stale() && recorded != nil && !recorded.Fingerprint.IsZero() {
		s.Outputs, s.How, s.Fingerprint = webItems("output", recorded.Outs), string(recorded.How), recorded.Fingerprint.String()
	}
	for _, r := range st.Reasons {
		s.Reasons = append(s.Reasons, r.Text)
	}
	for _, x := range paramsOf(e) {
		s.Params = append(s.Params, web.Fact{Name: x.Key, Text: x.Value})
	}
	return s
}

// runBehind returns the run that made what a fingerprint stands for, if one is kept.
func runBehind(ctx context.Context, s track.Store, fingerprint string) (r track.RunInfo, err error) {
	if fingerprint == "" || strings.ContainsAny(fingerprint, "'\"") {
		return r, nil
	}
	in, err := experimentIDs(ctx, s, nil)
	if err != nil {
		return r, err
	}
	page, err := s.SearchRuns(ctx, track.RunSearch{Experiments: in, Bare: true, Search: track.Search{Max: 1,
		Filter: "origin.fingerprint = '" + fingerprint + "' AND origin.kind != 'verify' AND attributes.status = 'FINISHED'"}})
	if err != nil || len(page.Items) == 0 {
		return r, err
	}
	return page.Items[0].RunInfo, nil
}

// viewAt is the project at a revision; "" is the workspace.
func viewAt(w *pipeline.Workspace, rev string) (*pipeline.View, error) {
	if rev == "" {
		return w.View(), nil
	}
	return w.ViewAt(rev)
}

// maxChangedFiles is how many files of a directory a comparison lists.
const maxChangedFiles = 100

// Compare implements [web.Project].
func (p *pageProject) Compare(_ context.Context, old, new string) (*web.Comparison, error) {
	w, err := p.open()
	if err != nil {
		return nil, err
	}
	a, err := viewAt(w, old)
	if err != nil {
		return nil, asked(err)
	}
	b, err := viewAt(w, new)
	if err != nil {
		return nil, asked(err)
	}
	r, err := compareViews(w, a, b, maxChangedFiles)
	if err != nil {
		return nil, asked(err)
	}
	return &web.Comparison{Old: r.Old, New: r.New, Changes: webChanges(r.Changes), Params: webDeltas(r.Params), Metrics: webDeltas(r.Metrics)}, nil
}

func webDeltas(deltas []pipeline.Delta) []web.Delta {
	list := []web.Delta{}
	for _, d := range deltas {
		list = append(list, web.Delta{File: d.File, Key: d.Key, Old: deltaText(d.Old), New: deltaText(d.New)})
	}
	return list
}

func deltaText(v any) string {
	switch f := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return valueText(v)
}

// Data implements [web.Project].
func (p *pageProject) Data(ctx context.Context) ([]web.Data, error) {
	w, err := p.open()
	if err != nil {
		return nil, err
	}
	stages, err := w.Graph.Select(nil, pipeline.SelectOptions{})
	if err != nil {
		return nil, asked(err)
	}
	facts, err := w.Facts(ctx, stages)
	if err != nil {
		return nil, asked(err)
	}
	states, err := w.DataStates(ctx, facts)
	if err != nil {
		return nil, asked(err)
	}
	file := w.Lock.File()
	list := []web.Data{}
	for _, d := range states {
		x := newWebData(d.Item)
		x.State, x.Good, x.Cached = d.State(), d.Now.Same(d.Node), d.Stored
		if o := file.Data[d.Path]; o != nil {
			x.Source = o.Origin.String()
		}
		list = append(list, x)
	}
	for _, s := range stages {
		if e := file.Stages[s.Name]; e != nil {
			list = append(list, outputsOf(w, s, e, facts)...)
		}
	}
	addVersions(w, list)
	return list, w.SaveIndex()
}

func newWebData(it lock.Item) web.Data {
	return web.Data{Path: it.Path, Digest: digestText(it.Sum), Size: it.Size, Files: it.Files, Versions: []web.DataVersion{}}
}

// outputsOf returns the outputs of a stage that the cache keeps, as xt.lock has them.
func outputsOf(w *pipeline.Workspace, s *pipeline.Stage, e *lock.Stage, facts *pipeline.Facts) []web.Data {
	var list []web.Data
	for _, it := range e.Outs {
		i := slices.IndexFunc(s.Outs, func(o pipeline.Out) bool { return o.Path == it.Path })
		if i < 0 || !s.Outs[i].Cache {
			continue
		}
		x := newWebData(it)
		x.Stage, x.Cached = s.Name, w.Stored(it.Node)
		now := facts.Nodes[it.Path]
		switch {
		case now.Same(it.Node):
			x.State, x.Good = "up to date", true
		case now == hash.Node{}:
			x.State = "missing"
		default:
			x.State = "changed"
		}
		list = append(list, x)
	}
	return list
}
