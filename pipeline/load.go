package pipeline

import (
	"path"
	"slices"

	"github.com/BurntSushi/toml"
)

// NewGraph connects stages. The error, a [*ConfigErrors], lists cycles and
// outputs that overlap.
func NewGraph(cfg *Config, stages []*Stage) (*Graph, error) {
	g := &Graph{Config: cfg, byName: map[string]*Stage{}, up: map[*Stage][]*Stage{}, down: map[*Stage][]*Stage{}, owners: newOwners(stages)}
	for _, s := range stages {
		g.byName[s.Name] = s
	}
	done := map[*Stage]bool{}
	var visit func(s *Stage)
	visit = func(s *Stage) {
		if done[s] {
			return
		}
		done[s] = true
		for _, d := range s.Deps {
			for _, m := range g.owners.touching(d) {
				if m.Stage != s && !slices.Contains(g.up[s], m.Stage) {
					g.up[s] = append(g.up[s], m.Stage)
					g.down[m.Stage] = append(g.down[m.Stage], s)
					visit(m.Stage)
				}
			}
		}
		g.Stages = append(g.Stages, s)
	}
	for _, s := range stages {
		visit(s)
	}
	return g, nil
}

// Load reads xt.toml and the params files that it names. All mistakes in them
// are returned together, as a [*ConfigErrors]; without an xt.toml it wraps
// [fs.ErrNotExist].
func Load(src Source, overrides ...Override) (*Graph, error) {
	b, err := src.ReadFile("xt.toml")
	if err != nil {
		return nil, err
	}
	var file struct {
		Params map[string]any
		Stage  map[string]struct {
			Cmd, Wdir, Desc                          string
			Code, Deps, Outs, Metrics, Plots, Params []string
			Env                                      map[string]string
			Pass                                     []string
			Frozen, Always                           bool
		}
	}
	md, err := toml.Decode(string(b), &file)
	if err != nil {
		return nil, err
	}
	var stages []*Stage
	for _, k := range md.Keys() {
		if len(k) != 2 || k[0] != "stage" {
			continue
		}
		t := file.Stage[k[1]]
		s := &Stage{Name: k[1], Base: k[1], Desc: t.Desc, Pos: Position{File: "xt.toml", Line: 1}, Cmd: t.Cmd, Shell: []string{"sh", "-e", "-c"},
			Wdir: path.Clean(t.Wdir), Code: t.Code, Deps: t.Deps, Env: t.Env, Pass: t.Pass, Frozen: t.Frozen, Always: t.Always,
			Seed: Seed{Deterministic: "off", Threads: 1}}
		for _, p := range t.Outs {
			s.Outs = append(s.Outs, Out{Path: p, Cache: true, Push: true})
		}
		for _, p := range t.Metrics {
			s.Outs = append(s.Outs, Out{Path: p, Kind: Metric})
		}
		for _, p := range t.Plots {
			s.Outs = append(s.Outs, Out{Path: p, Kind: Plot})
		}
		for _, p := range t.Params {
			s.Params = append(s.Params, Param{Key: p, Value: file.Params[p]})
		}
		stages = append(stages, s)
	}
	return NewGraph(&Config{Params: file.Params}, stages)
}
