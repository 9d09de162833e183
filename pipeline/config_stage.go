package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/lock"
)

// readStages makes the stages of xt.toml, each cell of a matrix one of its own.
func (l *loader) readStages() {
	table := l.doc.Root.Get("stage")
	if !l.ok(table) {
		return
	}
	paths := 0
	for _, n := range table.Keys {
		if !l.ok(n) || l.rep.full() {
			continue
		}
		p := place{where: fmt.Sprintf("stage %q", n.Key)}
		axes, ok := l.axes(n.Get("matrix"), p)
		if !ok {
			continue // each ${matrix.…} in it would be told as unknown
		}
		combinations, ok := cells(axes, maxStages-len(l.stages))
		if !ok {
			l.tell(n.KeyAt, p, tooManyHint(axes), "more than %d stages", maxStages)
			return
		}
		names := axisNames(axes)
		for _, c := range combinations {
			b := &builder{loader: l, n: n, p: p, scope: scope{l.names, names, c.values}}
			s := b.build(n.Key + c.suffix)
			l.stages = append(l.stages, s)
			if paths += len(s.Code) + len(s.Deps) + len(s.Outs); paths > maxPaths {
				l.tell(n.KeyAt, p, "list directories rather than the files in them", "more than %d paths in all stages", maxPaths)
				return
			}
		}
	}
}

func tooManyHint(axes []axis) string {
	if len(axes) == 0 {
		return ""
	}
	return "a matrix makes a stage of each combination of its values"
}

func axisNames(axes []axis) []string {
	var names []string
	for _, a := range axes {
		names = append(names, a.name)
	}
	return names
}

// builder makes one stage.
type builder struct {
	*loader
	n     *tomldoc.Node
	p     place
	scope scope
	stage *Stage
}

func (b *builder) build(name string) *Stage {
	n := b.n
	b.stage = &Stage{Name: name, Base: n.Key, Pos: b.pos(n.KeyAt), at: map[string]int{}, doc: b.doc}
	s := b.stage
	s.Desc = b.text(n.Get("desc"), false)
	b.readCmd()
	b.readShell()
	s.Wdir = b.wdir()
	s.Code, s.Deps = b.paths("code"), b.paths("deps")
	b.readOuts()
	b.checkInputs()
	b.readParamList()
	b.readEnv()
	b.readSeed()
	b.readCalls()
	b.readRunning()
	b.readResources()
	b.readTolerance()
	return s
}

// text returns a string with its parameters put in, or "" if there is none. If
// it names what there is not, that is told, and the node is not ok any more.
func (b *builder) text(n *tomldoc.Node, lists bool) string {
	if !b.ok(n) {
		return ""
	}
	if n.Kind != tomldoc.String {
		s, _ := scalarText(n.Value)
		return s
	}
	s, bad := b.scope.expand(n.Value.(string), lists)
	for _, r := range bad {
		b.bad[n] = true // so that nothing more is said about it
		b.tell(b.find(n, r.text), b.p, r.hint, "%s", r.msg)
	}
	return s
}

// find returns the offset of a reference within a string of the file.
func (b *builder) find(n *tomldoc.Node, ref string) int {
	return n.At + max(0, strings.Index(b.doc.Text[n.At:n.End], ref))
}

// texts returns a string or a list of strings with the parameters put in.
func (b *builder) texts(n *tomldoc.Node, lists bool) []string {
	var all []string
	for _, item := range b.each(n) {
		all = append(all, b.text(item, lists))
	}
	return all
}

func (b *builder) readCmd() {
	n := b.n.Get("cmd")
	b.stage.Cmd = strings.Join(b.texts(n, true), "\n")
	if !b.ok(n) {
		return
	}
	switch {
	case strings.ContainsRune(b.stage.Cmd, 0):
		b.tell(n.At, b.p, "", "cmd holds a NUL byte")
	case strings.TrimSpace(b.stage.Cmd) == "" && !b.broken(n):
		b.tell(n.At, b.p, `such as cmd = "python src/train.py"`, "cmd is empty")
	}
}

// broken reports whether part of a list was refused.
func (b *builder) broken(n *tomldoc.Node) bool {
	return slices.ContainsFunc(n.Items, func(item *tomldoc.Node) bool { return b.bad[item] })
}

func (b *builder) readShell() {
	n := b.n.Get("shell")
	words := b.texts(n, false)
	b.stage.Shell = words
	switch {
	case !b.ok(n):
		b.stage.Shell = lock.DefaultShell()
	case b.broken(n):
	case slices.Contains(words, "") || len(words) == 0:
		b.tell(n.At, b.p, `such as shell = "bash" or shell = ["bash", "-e", "-c"]`, "shell is empty")
	case n.Kind == tomldoc.List:
	case strings.ContainsAny(words[0], " \t\n"):
		b.tell(n.At, b.p, fmt.Sprintf(`write a list: shell = ["%s", "-c"]`, strings.Join(strings.Fields(words[0]), `", "`)), "shell is one word, or a list of words")
	case words[0] == "bash":
		b.stage.Shell = []string{"bash", "-e", "-o", "pipefail", "-c"}
	case words[0] == "sh":
		b.stage.Shell = lock.DefaultShell()
	default:
		b.stage.Shell = []string{words[0], "-c"}
	}
}

func (b *builder) wdir() string {
	n := b.n.Get("wdir")
	if !b.ok(n) {
		return "."
	}
	text := b.text(n, false)
	if !b.ok(n) {
		return "."
	}
	if dir, ok := b.path(n.At, b.p, "wdir", ".", text); ok {
		return dir
	}
	return "."
}

// paths returns the paths of a key, sorted and each once.
func (b *builder) paths(key string) []string {
	var all []string
	for _, n := range b.each(b.n.Get(key)) {
		if p, ok := b.onePath(key, n); ok {
			all = append(all, p)
			b.stage.at[p] = n.At
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// onePath returns the path of a string, relative to the root.
func (b *builder) onePath(key string, n *tomldoc.Node) (string, bool) {
	text := b.text(n, false)
	if !b.ok(n) {
		return "", false
	}
	return b.path(n.At, b.p, key, b.stage.Wdir, text)
}

// checkInputs looks at what makes a stage never be up to date.
func (b *builder) checkInputs() {
	for _, in := range slices.Concat(b.stage.Code, b.stage.Deps) {
		at := b.stage.at[in]
		switch in {
		case ".":
			b.tell(at, b.p, "name the directories that the command reads, such as src", "the whole project cannot be an input: the outputs are in it")
		case LockFile:
			b.tell(at, b.p, "", "%s cannot be an input: xt writes it after the stage", LockFile)
		}
	}
	for _, in := range b.stage.Deps {
		if _, twice := slices.BinarySearch(b.stage.Code, in); twice {
			b.tell(b.stage.at[in], b.p, "code is what is kept in git; leave the other out", "%q is listed under code and under deps", in)
		}
	}
}

func (b *builder) readParamList() {
	for _, n := range b.each(b.n.Get("params")) {
		entry := b.text(n, false)
		if !b.ok(n) || b.rep.full() {
			continue
		}
		if p, ok := b.param(entry, n.At, b.p); ok {
			b.stage.Params = append(b.stage.Params, p)
		}
	}
	order := func(x, y Param) int {
		return strings.Compare(x.File+"\x00"+x.Key, y.File+"\x00"+y.Key)
	}
	slices.SortFunc(b.stage.Params, order)
	b.stage.Params = slices.CompactFunc(b.stage.Params, func(x, y Param) bool { return order(x, y) == 0 })
}

func (b *builder) readEnv() {
	if env := b.n.Get("env"); b.ok(env) {
		b.stage.Env = map[string]string{}
		for _, n := range env.Keys {
			value := b.text(n, false)
			if strings.ContainsRune(value, 0) {
				b.tell(n.At, b.p, "", "env.%s holds a NUL byte", n.Key)
			}
			b.stage.Env[n.Key] = value
		}
	}
	for _, n := range b.each(b.n.Get("pass")) {
		name := b.str(n)
		_, set := b.stage.Env[name]
		switch {
		case !envPattern.MatchString(name):
			b.tell(n.At, b.p, "name a variable, such as CUDA_VISIBLE_DEVICES; a value is set by env", "pass: %q is not the name of a variable", name)
		case set:
			b.tell(n.At, b.p, "leave it out of one of them", "variable %q is set by env and taken by pass", name)
		}
		b.stage.Pass = append(b.stage.Pass, name)
	}
	slices.Sort(b.stage.Pass)
	b.stage.Pass = slices.Compact(b.stage.Pass)
}

// readSeed applies the stage's own seed to that of the project.
func (b *builder) readSeed() {
	s := b.cfg.Seed
	n := b.n.Get("seed")
	if b.ok(n) {
		switch {
		case n.Value == false:
			s.Value, s.Deterministic = nil, lock.DeterministicOff
		case s.Value == nil && s.Deterministic == lock.DeterministicOff && b.doc.Root.Get("seed") == nil:
			s.Deterministic = lock.DeterministicOn
		}
		if v, ok := n.Value.(int64); ok {
			s.Value = &v
		}
		if n.Kind == tomldoc.Table {
			b.seedTable(n, &s)
			b.seedTwice(n)
		}
	}
	b.deterministic(b.n.Get("deterministic"), &s)
	if threads := b.n.Get("threads"); b.ok(threads) {
		s.Threads = int(b.num(threads))
	}
	b.stage.Seed = s
}

func (b *builder) seedTwice(n *tomldoc.Node) {
	for _, key := range []string{"deterministic", "threads"} {
		if again := b.n.Get(key); again != nil && n.Get(key) != nil {
			b.tell(again.KeyAt, b.p, "leave one of them out", "%q is given here and in seed", key)
		}
	}
}

func (b *builder) readRunning() {
	n, s := b.n, b.stage
	s.Frozen = b.flag(n.Get("frozen"), false)
	s.Always = b.flag(n.Get("always"), false)
	s.Retries = int(b.num(n.Get("retries")))
	if python := n.Get("python"); b.ok(python) {
		s.Python = Unused
		if b.flag(python, false) {
			s.Python = Used
		}
	}
	if t := n.Get("timeout"); b.ok(t) {
		s.Timeout = measured(b, "timeout", t, parseDuration, aDuration, `"90m"`)
	}
	if s.Frozen && s.Always {
		b.tell(n.Get("always").KeyAt, b.p, "leave one of them out", "the stage is frozen, and runs always")
	}
}

const aDuration = "a duration above zero and below 290 years"

// measured reads a value with a unit.
func measured[T any](b *builder, key string, n *tomldoc.Node, parse func(string) (T, bool), want, example string) T {
	text := b.text(n, false)
	v, ok := parse(text)
	if !ok && b.ok(n) {
		b.tell(n.At, b.p, "such as "+key[strings.LastIndexByte(key, '.')+1:]+" = "+example, "%q is %q, but must be %s", key, text, want)
	}
	return v
}

func (b *builder) readResources() {
	n := b.n.Get("resources")
	if !b.ok(n) {
		return
	}
	r := &b.stage.Resources
	r.CPUs, r.GPUs = int(b.num(n.Get("cpus"))), int(b.num(n.Get("gpus")))
	if m := n.Get("memory"); b.ok(m) {
		r.Memory = measured(b, "resources.memory", m, parseMemory, "a size of at least a byte and below 8 EiB", `"16GiB"`)
	}
	if t := n.Get("time"); b.ok(t) {
		r.Time = measured(b, "resources.time", t, parseDuration, aDuration, `"2h"`)
	}
	r.Sbatch = b.sbatch(n.Get("sbatch"), b.p, "resources.sbatch")
}
