package pipeline

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/replay"
)

// LLM says how calls to language models are recorded.
type LLM struct {
	Dir       string            // holds a directory of recordings for each stage
	Upstreams map[string]string // addresses of APIs by the variable that clients read
	Errors    bool              // record also errors that a client gave up on
}

// defaultLLMDir is where recordings are unless xt.toml says otherwise.
const defaultLLMDir = "llm"

var llmShape = table("How calls to language models are recorded.",
	key{name: "dir", shape: &shape{kinds: aString, want: "a path", doc: "The directory of the recordings, to be kept in git: one below it for each stage.", example: `"recordings"`, def: defaultLLMDir}},
	key{name: "upstreams", also: []string{"upstream", "providers"}, shape: tables("Addresses of APIs that are recorded as well, by the variable that their clients read.",
		&naming{"variable", regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`), "capital letters, digits and _"},
		text("an address", "The address of the API: https://, or http:// on this machine.", `"https://gateway.example.com/v1"`))},
	key{name: "errors", also: []string{"record_errors"}, shape: flag("Whether errors are recorded that a client gave up on: overloaded, rate limit, server error.", false)},
)

func (l *loader) readLLM(n *tomldoc.Node) {
	l.cfg.LLM = LLM{Dir: defaultLLMDir, Upstreams: map[string]string{}, Errors: l.flag(n.Get("errors"), false)}
	p := place{where: "[llm]"}
	if dir := n.Get("dir"); l.ok(dir) {
		at, ok := l.path(dir.At, p, "dir", ".", l.str(dir))
		switch {
		case ok && at == ".":
			l.tell(dir.At, p, "such as dir = \"recordings\"", "dir is the whole project, but must be a directory of its own")
		case ok:
			l.cfg.LLM.Dir = at
		}
	}
	ups := n.Get("upstreams")
	if !l.ok(ups) {
		return
	}
	for _, u := range ups.Keys {
		if !l.ok(u) {
			continue
		}
		if err := replay.CheckUpstream(l.str(u)); err != nil {
			l.tell(u.At, p, "", "upstreams.%s: %v", u.Key, err)
			continue
		}
		l.cfg.LLM.Upstreams[u.Key] = l.str(u)
	}
}

func (b *builder) readCalls() {
	n := b.n.Get("llm")
	switch mode := replay.Mode(b.str(n)); mode {
	case replay.Record, replay.Replay:
		b.stage.Calls = &Calls{Mode: mode, Dir: path.Join(b.cfg.LLM.Dir, b.stage.Name)}
		b.stage.at[b.stage.Calls.Dir] = n.At
	}
}

// checkCalls tells of stages that read or make what others record: the recordings
// change while the stage runs, and are its own.
func (l *loader) checkCalls() {
	for _, s := range l.stages {
		for _, p := range slices.Concat(s.Code, s.Deps, outPaths(s)) {
			if !touch(p, l.cfg.LLM.Dir) {
				continue // most paths: to compare each with all stages would take long
			}
			for _, other := range l.stages {
				if other.Calls != nil && touch(p, other.Calls.Dir) {
					l.tell(s.at[p], place{where: fmt.Sprintf("stage %q", s.Base)}, "name the files in it, or put the recordings elsewhere: dir = \"recordings\" under [llm]",
						"%q overlaps %s, where xt records the calls of stage %q", p, other.Calls.Dir, other.Base)
					break
				}
			}
		}
	}
}
