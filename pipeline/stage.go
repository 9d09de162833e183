package pipeline

import (
	"fmt"
	"time"

	"github.com/xtrepro/xt/internal/tomldoc"
)

// Position is a place in a file that a person wrote.
type Position struct {
	File string // as the person would name it, relative to the project root
	Line int    // from 1; 0 if not known
	Col  int    // from 1; 0 if not known
}

// String returns "file:line:col", leaving out what is not known.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Stage is a command with declared inputs and outputs, after interpolation and
// matrix expansion. All paths are clean slash paths relative to the project
// root, sorted and without duplicates.
type Stage struct {
	Name string   // unique; "evaluate@val" for a cell of a matrix
	Base string   // the name in xt.toml; differs from Name for a matrix
	Desc string   // one line for people
	Pos  Position // where xt.toml declares it

	Cmd   string   // the script given to the shell
	Shell []string // the words before Cmd: "sh", "-e", "-c"
	Wdir  string   // where it runs: "." or a path below the root

	Code   []string // source files and directories, kept in git
	Deps   []string // data: in git, added to xt, or made by another stage
	Outs   []Out    // everything that the stage makes, metrics and plots too
	Params []Param  // the parameters that it reads, sorted by file and key

	Env    map[string]string // set for the command, and part of its identity
	Pass   []string          // names of variables passed through, and part of its identity
	Seed   Seed
	Calls  *Calls // to language models, which are recorded; nil: they are not
	Python Usage  // whether the interpreter and its packages decide the result

	Frozen    bool          // never run, whatever changed
	Always    bool          // run each time
	Timeout   time.Duration // 0: none
	Retries   int           // further attempts after a failure
	Resources Resources
	Tolerance map[string]Tolerance // by output path, for verification

	at  map[string]int // where each path is written, as an offset of doc
	doc *tomldoc.Doc
}

// pathPos returns where xt.toml names a path of the stage, or else the stage.
func (s *Stage) pathPos(path string) Position {
	offset, ok := s.at[path]
	if !ok {
		return s.Pos
	}
	line, col := s.doc.Pos(offset)
	return Position{File: ConfigFile, Line: line, Col: col}
}

// Usage says whether something is used by a stage.
type Usage uint8

// The values of [Usage].
const (
	Detect Usage = iota // find out from the command and the code
	Used
	Unused
)

// Seed is what a stage's randomness starts from. A stage without a value runs
// unseeded.
type Seed struct {
	Value         *int64 // nil: none
	Deterministic string // "off", "on", or "warn": report a nondeterministic operation rather than refuse it
	Threads       int    // numeric worker threads when deterministic; at least 1
}

// OutKind says what an output is for.
type OutKind uint8

// The kinds of output.
const (
	PlainOut OutKind = iota
	Metric           // a small file of numbers
	Plot             // a small file of points or a picture
)

// Out is a file or directory that a stage makes.
type Out struct {
	Path   string
	Kind   OutKind
	Cache  bool   // kept in xt's cache and out of git; metrics and plots stay in git unless asked
	Keep   bool   // not removed before the stage runs
	Push   bool   // sent to the remote
	Remote string // the only remote it is sent to; empty: the default
	Look   *Look  // how a plot is drawn; nil: as its data suggests
}

// Param is one parameter and its value.
type Param struct {
	File  string // "" for [params] in xt.toml, else the path of a params file
	Key   string // dotted; "" for a whole file
	Value any    // nil, bool, int64, float64, string, []any or map[string]any
}

// Resources is what a stage asks of a scheduler.
type Resources struct {
	CPUs   int
	GPUs   int
	Memory int64         // bytes
	Time   time.Duration // wall clock
	Sbatch []string      // further arguments of Slurm's sbatch
}

// Tolerance is how far a number may be from the recorded one, as in
// |a-b| <= Abs + Rel*|b|.
type Tolerance struct {
	Rel float64
	Abs float64
}
