package pipeline

import (
	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/tomldoc"
)

// Policy is what [check] says: how grave is what a check may find beyond a lock
// that does not match.
type Policy struct {
	Committed  Level    // a result that xt did not make
	Dirty      Level    // a result of code that was not committed
	Seed       Level    // a stage that trains without a seed
	SeedStages []string // those that train, by name, the name of a matrix included; nil: as their commands tell
	LargeFiles Level    // a file for git that has more than Large bytes
	Large      int64
	Undeclared Level // a command that was traced and opened what its stage does not declare
	Secrets    Level // what looks like a key or a password
}

// defaultPolicy holds where xt.toml says nothing.
func defaultPolicy() Policy {
	return Policy{Committed: Warning, Dirty: Ignore, Seed: Warning, LargeFiles: Warning, Large: 10 << 20, Undeclared: Warning, Secrets: Error}
}

// Level says how grave a finding is.
type Level string

// The levels. A finding has never the last one: it is for what is not looked for.
const (
	Error   Level = "error"   // the check fails
	Warning Level = "warning" // it is said, and the check passes unless it is strict
	Ignore  Level = "ignore"
)

var levelWords = map[string]Level{"error": Error, "warn": Warning, "ignore": Ignore}

func levelShape(doc, def string) *shape {
	return &shape{kinds: aString, want: `"error", "warn" or "ignore"`, doc: doc, example: `"error"`, def: def, words: []string{"error", "warn", "ignore"}}
}

var checkShape = table("What xt check looks for, and how grave it is: an error fails the check, a warning only with --strict.",
	key{name: "committed", shape: levelShape("Results in xt.lock that xt did not make: somebody vouched for them, or they were imported.", "warn")},
	key{name: "dirty", also: []string{"uncommitted"}, shape: levelShape("Results of code that was not committed when they were made.", "ignore")},
	key{name: "seed", also: []string{"seeds"}, shape: levelShape("Stages that train and have no seed.", "warn")},
	key{name: "seed_stages", shape: &shape{kinds: aList, want: "a list of stages", item: &shape{kinds: aString, want: "the name of a stage"},
		doc: "The stages that need a seed. By default those that train, as their name or command tells.", example: `["train"]`}},
	key{name: "large", also: []string{"max_size"}, shape: &shape{kinds: aString, want: "a size", doc: "From which size on a file for git is large: a number and KB, MB, GB, KiB, MiB or GiB.", example: `"5MiB"`, def: "10MiB", pattern: memoryPattern}},
	key{name: "large_files", shape: levelShape("Large files that are new or changed, and about to be committed to git.", "warn")},
	key{name: "undeclared", shape: levelShape("Files of the project that a command reads or writes and its stage does not declare: for xt repro --trace.", "warn")},
	key{name: "secrets", also: []string{"secret"}, shape: levelShape("What looks like a key or a password in xt.toml, xt.lock and the params files.", "error")},
)

func (l *loader) readPolicy(n *tomldoc.Node) {
	p := defaultPolicy()
	for name, level := range map[string]*Level{"committed": &p.Committed, "dirty": &p.Dirty, "seed": &p.Seed, "large_files": &p.LargeFiles, "undeclared": &p.Undeclared, "secrets": &p.Secrets} {
		if word, ok := levelWords[l.str(n.Get(name))]; ok {
			*level = word
		}
	}
	if size := n.Get("large"); l.ok(size) {
		var ok bool
		if p.Large, ok = parseMemory(l.str(size)); !ok {
			l.tell(size.At, place{where: "[check]"}, `such as large = "10MiB"`, "large is %s, but must be a size of at least a byte and below 8 EiB", l.quoted(size))
		}
	}
	if l.ok(n.Get("seed_stages")) {
		p.SeedStages = []string{} // nobody guesses
	}
	for _, stage := range l.each(n.Get("seed_stages")) {
		p.SeedStages = append(p.SeedStages, l.str(stage))
	}
	l.cfg.Check = p
}

// checkSeedStages tells of names that are no stages.
func (l *loader) checkSeedStages() {
	for _, n := range l.each(l.doc.Root.Get("check").Get("seed_stages")) {
		name, known := l.str(n), false
		var names []string
		for _, s := range l.stages {
			known = known || s.Name == name || s.Base == name
			names = append(names, s.Name, s.Base)
		}
		if !known && n.Kind == tomldoc.String {
			l.tell(n.At, place{where: "[check]"}, suggest.DidYouMean(name, names), "seed_stages: there is no stage %q", name)
		}
	}
}
