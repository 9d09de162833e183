package pipeline

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/tomldoc"
)

var outKinds = []struct {
	key  string
	kind OutKind
}{{"outs", PlainOut}, {"metrics", Metric}, {"plots", Plot}}

// readOuts fills in the outputs of all kinds.
func (b *builder) readOuts() {
	for _, k := range outKinds {
		for _, n := range b.each(b.n.Get(k.key)) {
			if o, ok := b.out(k.key, k.kind, n); ok {
				b.stage.Outs = append(b.stage.Outs, o)
			}
		}
	}
	slices.SortFunc(b.stage.Outs, func(x, y Out) int { return strings.Compare(x.Path, y.Path) })
}

func (b *builder) out(key string, kind OutKind, n *tomldoc.Node) (Out, bool) {
	o := Out{Kind: kind, Cache: kind == PlainOut}
	at := n
	if n.Kind == tomldoc.Table {
		if at = n.Get("path"); !b.ok(at) {
			return o, false
		}
		o.Cache = b.flag(n.Get("cache"), o.Cache)
		o.Keep = b.flag(n.Get("keep"), false)
		b.outRemote(&o, n)
		if kind == Plot {
			if k := b.look(n); !k.isZero() {
				o.Look = k
			}
		}
	}
	o.Push = o.Cache && b.flag(n.Get("push"), true)
	var ok bool
	if o.Path, ok = b.onePath(key, at); !ok {
		return o, false
	}
	before, listed := b.stage.at[o.Path]
	b.stage.at[o.Path] = at.At
	if listed {
		b.twice(key, o.Path, before)
		return o, false
	}
	return o, b.checkOut(key, o.Path)
}

// twice tells that an output is something else too.
func (b *builder) twice(key, p string, before int) {
	at := b.stage.at[p]
	switch {
	case slices.Contains(b.stage.Code, p):
		b.tell(at, b.p, "code is written by people; leave one of them out", "%q is listed under code and under %s", p, key)
	case slices.Contains(b.stage.Deps, p):
		b.tell(at, b.p, "a stage cannot read what it makes; write the result to another path", "%q is listed under deps and under %s", p, key)
	default:
		line, _ := b.doc.Pos(before)
		b.tell(at, b.p, fmt.Sprintf("it is listed first in line %d; leave one of them out", line), "%q is listed twice among the outputs", p)
	}
	b.stage.at[p] = before
}

func (b *builder) outRemote(o *Out, n *tomldoc.Node) {
	if push := n.Get("push"); b.ok(push) && !o.Cache && b.flag(push, false) {
		b.tell(push.KeyAt, b.p, "add cache = true, or leave push out", "an output that is not in the cache cannot be pushed")
	}
	r := n.Get("remote")
	if !b.ok(r) {
		return
	}
	o.Remote = b.text(r, false)
	if b.doc.Root.Get("remote").Get(o.Remote) != nil || !b.ok(r) {
		return
	}
	known := slices.Sorted(maps.Keys(b.cfg.Remotes))
	hint := suggest.DidYouMean(o.Remote, known)
	if hint == "" {
		hint = fmt.Sprintf("add [remote.%s]", o.Remote)
	}
	b.tell(r.At, b.p, hint, "there is no remote %q", o.Remote)
}

// checkOut refuses outputs that would overwrite what the project is made of.
func (b *builder) checkOut(key, p string) bool {
	at := b.stage.at[p]
	switch base := path.Base(p); {
	case p == ".":
		b.tell(at, b.p, "name a directory below it, such as build", "%s: the whole project cannot be an output", key)
		return false
	case p == ConfigFile || p == LockFile:
		b.tell(at, b.p, "", "%s: %q cannot be an output: it belongs to xt", key, p)
		return false
	case base == ".gitignore" || base == ".xtignore" || base == ".gitattributes":
		b.tell(at, b.p, "", "%s: %q cannot be an output: it says what git and xt look at", key, p)
		return false
	}
	return true
}

// checkParamsFiles refuses outputs that are, or contain, files from which the
// parameters of the pipeline are read.
func (l *loader) checkParamsFiles() {
	for _, s := range l.stages {
		for _, o := range s.Outs {
			for _, file := range slices.Sorted(maps.Keys(l.files)) {
				if touch(file, o.Path) {
					l.tell(s.at[o.Path], place{where: fmt.Sprintf("stage %q", s.Base)}, "list what a stage makes under deps of the stage that reads it", "output %q cannot hold the params file %q, which is read before any stage runs", o.Path, file)
				}
			}
		}
	}
}

func (b *builder) readTolerance() {
	table := b.n.Get("tolerance")
	if !b.ok(table) {
		return
	}
	b.stage.Tolerance = map[string]Tolerance{}
	for _, n := range table.Keys {
		text, bad := b.scope.expand(n.Key, false)
		for _, r := range bad {
			b.tell(n.KeyAt, b.p, r.hint, "%s", r.msg)
		}
		if !b.ok(n) || bad != nil {
			continue
		}
		p, ok := b.path(n.KeyAt, b.p, "tolerance", b.stage.Wdir, text)
		if !ok {
			continue
		}
		b.stage.Tolerance[p] = Tolerance{Rel: b.positive(n.Get("rtol")), Abs: b.positive(n.Get("atol"))}
		if !b.isOut(p) {
			b.tell(n.KeyAt, b.p, suggest.DidYouMean(p, outPaths(b.stage)), "tolerance: %q is no output of the stage", p)
		}
	}
}

func (b *builder) positive(n *tomldoc.Node) float64 {
	v := b.float(n)
	if v >= 0 && v <= 1e300 {
		return v
	}
	b.tell(n.At, b.p, "", "%q is %s, but must be a number of at least 0", n.Key, b.quoted(n))
	return 0
}

// isOut reports whether a path is an output, or in one.
func (b *builder) isOut(p string) bool {
	return slices.ContainsFunc(b.stage.Outs, func(o Out) bool { return below(p, o.Path) })
}

func outPaths(s *Stage) []string {
	var all []string
	for _, o := range s.Outs {
		all = append(all, o.Path)
	}
	return all
}

// touch reports whether one path is the other, or contains it.
func touch(a, b string) bool { return below(a, b) || below(b, a) }
