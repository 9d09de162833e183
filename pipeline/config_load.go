package pipeline

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/tomldoc"
)

// loader reads xt.toml into a graph. It goes on after a mistake, so that all of
// them are told at once.
type loader struct {
	checker
	src       Source
	cfg       *Config
	names     *namespace
	files     map[string]map[string]any // params files that were read; nil for a broken one
	overrides []Override
	stages    []*Stage
}

// Load reads xt.toml and the params files that it names. All mistakes in them
// are returned together, as a [*ConfigErrors]; without an xt.toml that wraps
// [fs.ErrNotExist]. Whether inputs exist is not looked at.
func Load(src Source, overrides ...Override) (*Graph, error) {
	noted := &notingSource{Source: src, sums: map[string]hash.Sum{}}
	src = noted
	doc, err := readConfig(src)
	if err != nil {
		return nil, &ConfigErrors{List: []*ConfigError{err}}
	}
	l := &loader{
		checker:   checker{doc: doc, rep: &report{}, bad: map[*tomldoc.Node]bool{}},
		src:       src,
		cfg:       &Config{},
		names:     newNamespace(),
		files:     map[string]map[string]any{},
		overrides: append([]Override(nil), overrides...),
	}
	l.check(doc.Root, fileShape, place{})
	l.readParams()
	l.readConfig()
	l.readStages()
	l.checkParamsFiles()
	l.readSweeps()
	l.readModels()
	l.checkSeedStages()
	l.checkCalls()
	g := connect(l.cfg, l.stages, l.rep)
	if err := l.rep.err(); err != nil {
		return nil, err
	}
	g.Overrides, g.sums = l.overrides, noted.sums
	return g, nil
}

// readConfig reads and parses xt.toml.
func readConfig(src Source) (*tomldoc.Doc, *ConfigError) {
	at := Position{File: ConfigFile}
	b, err := src.ReadFile(ConfigFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &ConfigError{Pos: at, Msg: "there is no such file", Hint: "xt init makes one", Err: err}
	case err != nil:
		return nil, &ConfigError{Pos: at, Msg: err.Error(), Err: err}
	case len(b) > maxConfigSize:
		return nil, &ConfigError{Pos: at, Msg: fmt.Sprintf("the file is larger than %d MiB", maxConfigSize>>20)}
	}
	doc, err := tomldoc.Parse(b)
	var se *tomldoc.SyntaxError
	if errors.As(err, &se) {
		return nil, &ConfigError{Pos: Position{ConfigFile, se.Line, se.Col}, Msg: se.Msg, Hint: se.Hint}
	}
	return doc, nil
}

// ok reports whether there is a node, of the type that it must have.
func (l *loader) ok(n *tomldoc.Node) bool { return n != nil && !l.bad[n] }

// str, flag, num and float return the value of a key, or the zero value if
// there is none or it was refused.

func (l *loader) str(n *tomldoc.Node) string {
	if !l.ok(n) || n.Kind != tomldoc.String {
		return ""
	}
	return n.Value.(string)
}

func (l *loader) flag(n *tomldoc.Node, otherwise bool) bool {
	if !l.ok(n) || n.Kind != tomldoc.Boolean {
		return otherwise
	}
	return n.Value.(bool)
}

func (l *loader) num(n *tomldoc.Node) int64 {
	if !l.ok(n) || n.Kind != tomldoc.Integer {
		return 0
	}
	return n.Value.(int64)
}

func (l *loader) float(n *tomldoc.Node) float64 {
	if !l.ok(n) {
		return 0
	}
	switch v := n.Value.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// each returns the items of a list, or the value itself if it is not one,
// without those that were refused.
func (l *loader) each(n *tomldoc.Node) []*tomldoc.Node {
	if !l.ok(n) {
		return nil
	}
	if n.Kind != tomldoc.List {
		return []*tomldoc.Node{n}
	}
	var items []*tomldoc.Node
	for _, item := range n.Items {
		if l.ok(item) {
			items = append(items, item)
		}
	}
	return items
}
