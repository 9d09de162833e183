package pipeline

// Graph is the stages of a project and what they need of each other. It is not
// changed after [Load].
type Graph struct {
	Config    *Config
	Stages    []*Stage   // a stage comes after all that it needs; otherwise in the order of the file
	Overrides []Override // those that were applied

	byName map[string]*Stage
	up     map[*Stage][]*Stage
	down   map[*Stage][]*Stage
	owners owners
}

// Stage returns the stage of that name, or nil.
func (g *Graph) Stage(name string) *Stage { return g.byName[name] }

// Upstream returns the stages whose outputs s reads directly, in the order of
// the graph.
func (g *Graph) Upstream(s *Stage) []*Stage { return g.up[s] }

// Downstream returns the stages that read an output of s directly, in the order
// of the graph.
func (g *Graph) Downstream(s *Stage) []*Stage { return g.down[s] }

// Producer returns the stage whose output is path, contains it, or lies below
// it. If several outputs lie below path it is the first of them by name;
// [Graph.Producers] has all.
func (g *Graph) Producer(path string) (*Stage, Out, bool) {
	made := g.Producers(path)
	if len(made) == 0 {
		return nil, Out{}, false
	}
	return made[0].Stage, made[0].Out, true
}

// Made is an output and the stage that makes it.
type Made struct {
	Stage *Stage
	Out   Out
}

// Producers returns every output that is path, contains it, or lies below it,
// sorted by path.
func (g *Graph) Producers(path string) []Made { return g.owners.touching(path) }
