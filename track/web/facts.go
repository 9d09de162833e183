package web

import (
	"context"
	"io"
	"time"

	"github.com/xtrepro/xt/track"
)

// Runs tells how runs came to be.
type Runs interface {
	// Log opens what a run's command wrote, so far. It is nil if nothing is kept.
	Log(ctx context.Context, r *track.Run) (io.ReadSeekCloser, error)
	// Made returns what is known of how a run was made; nil if nothing is.
	Made(ctx context.Context, r *track.Run) (*Made, error)
	// Changes returns what of code, data and environment differs between two runs.
	Changes(ctx context.Context, old, new *track.Run) ([]Change, error)
}

// Project is the project that the runs belong to. A revision is one of git; "" is
// the workspace. What it cannot answer since the user's files or words are wrong is
// a [*track.Error] of InvalidParameter.
type Project interface {
	Pipeline(ctx context.Context, rev string) (*Pipeline, error)
	Compare(ctx context.Context, old, new string) (*Comparison, error)
	// Data returns what the project keeps, as it stands in the workspace.
	Data(ctx context.Context) ([]Data, error)
	// Holdings asks the remotes what they have of it, which may take long.
	Holdings(ctx context.Context) ([]Holding, error)
}

// Models are the models of the registry in git.
type Models interface {
	Models(ctx context.Context) ([]Model, error)
	// Promote puts a version into a stage, and returns what was done in words.
	Promote(ctx context.Context, p Promotion) (string, error)
}

// Made is how a run was made.
type Made struct {
	Lock       string   `json:"lock"`    // the entry of xt.lock
	Rebuild    []string `json:"rebuild"` // commands that make it again; lines with # are for people
	Inputs     []Input  `json:"inputs"`
	Outputs    []Input  `json:"outputs"`
	Facts      []Fact   `json:"facts"` // the seed, the environment
	Verdict    string   `json:"verdict"`
	Good       bool     `json:"good"`       // whether the verdict proves the run
	Difference []string `json:"difference"` // the first of each output that differs
	Verified   string   `json:"verified"`   // the run of the verification; "" for none
}

// Input is a file or directory that a run read, or made.
type Input struct {
	Kind   string `json:"kind"` // code, data or output
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
	Files  int64  `json:"files"`
}

// Fact is something with a name.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Change is something that differs.
type Change struct {
	Stage string       `json:"stage,omitempty"`
	Kind  string       `json:"kind"` // commit, code, data, …
	Op    string       `json:"op"`   // added, removed or changed
	Name  string       `json:"name"`
	Text  string       `json:"text"`
	Files []FileChange `json:"files,omitempty"`
}

// FileChange is a file of a directory that differs.
type FileChange struct {
	Op   string `json:"op"`
	Path string `json:"path"`
}

// Pipeline is the stages of a project.
type Pipeline struct {
	Stages  []Stage  `json:"stages"` // each after those that it needs
	Edges   [][2]int `json:"edges"`  // from a place in Stages to a later one
	Commits []Commit `json:"commits"`
}

// Stage is a stage, how it stands, and what it made.
type Stage struct {
	Name        string   `json:"name"`
	Desc        string   `json:"desc"`
	Cmd         string   `json:"cmd"`
	State       string   `json:"state"`  // fresh, stale, frozen; "" if it is not known
	Action      string   `json:"action"` // what is to be done about it, in words
	Reasons     []string `json:"reasons"`
	How         string   `json:"how"` // its outputs came to be
	Fingerprint string   `json:"fingerprint"`
	Seconds     float64  `json:"seconds"` // that it took; 0 if that is not known
	Run         string   `json:"run"`     // behind its outputs; "" if that is not known
	Inputs      []Input  `json:"inputs"`
	Outputs     []Input  `json:"outputs"`
	Params      []Fact   `json:"params"`
}

// Commit is a commit that people may want to compare with.
type Commit struct {
	ID      string    `json:"id"`
	Subject string    `json:"subject"`
	Time    time.Time `json:"time"`
}

// Comparison is what differs between two revisions.
type Comparison struct {
	Old     string   `json:"old"`
	New     string   `json:"new"`
	Changes []Change `json:"changes"`
	Params  []Delta  `json:"params"`
	Metrics []Delta  `json:"metrics"`
}

// Delta is a value that differs; "" is one that is not there.
type Delta struct {
	File string `json:"file"`
	Key  string `json:"key"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Data is something that xt keeps.
type Data struct {
	Path   string `json:"path"`
	Stage  string `json:"stage"` // that makes it; "" for data that was added
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
	Files  int64  `json:"files"`
	State  string `json:"state"` // how it stands in the workspace, in words
	Good   bool   `json:"good"`
	Cached bool   `json:"cached"`
	Source string `json:"source"` // where it was imported from
	// Versions are commits that changed it, the newest first.
	Versions []DataVersion `json:"versions"`
}

// DataVersion is what a commit made of data.
type DataVersion struct {
	Commit
	Digest string       `json:"digest"`
	Size   int64        `json:"size"`
	Files  []FileChange `json:"files"`
	More   int          `json:"more"` // files that changed besides
}

// Holding is what a remote has.
type Holding struct {
	Remote string   `json:"remote"`
	URL    string   `json:"url"`
	Has    []string `json:"has"`     // paths, whole
	Error  string   `json:"error"`   // why it cannot be said
	Hint   string   `json:"hint"`    // what to do about that
	Total  int      `json:"total"`   // paths that were asked for
	Bytes  int64    `json:"missing"` // that it lacks
}

// Model is a model in git.
type Model struct {
	Name       string         `json:"name"`
	Deprecated bool           `json:"deprecated"`
	Stored     bool           `json:"stored"`   // in the store, and not in git
	Versions   []ModelVersion `json:"versions"` // the newest first
	History    []ModelEvent   `json:"history"`  // the newest first
	Rules      []StageRules   `json:"rules"`    // of xt.toml
}

// ModelVersion is a version of a model.
type ModelVersion struct {
	Version      string           `json:"version"`
	Number       int              `json:"number"`
	Commit       string           `json:"commit"`
	Stages       []string         `json:"stages"` // that stand for it
	Behind       []string         `json:"behind"` // that it is in, behind another version
	Aliases      []string         `json:"aliases"`
	Time         time.Time        `json:"time"`
	By           string           `json:"by"`
	Description  string           `json:"description"`
	Deregistered bool             `json:"deregistered"`
	Path         string           `json:"path"`
	Digest       string           `json:"digest"`
	Size         int64            `json:"size"`
	Metrics      map[string]Value `json:"metrics"`
	Run          string           `json:"run"`
	Stage        string           `json:"made_by"` // the stage of the pipeline
	Proof        string           `json:"proof"`   // what xt.lock at its commit says of the tag
	Proved       bool             `json:"proved"`
	Signature    string           `json:"signature"`
	Tag          string           `json:"tag"`
	Tags         []Fact           `json:"tags"`
	Lineage      []Input          `json:"lineage"` // code and data that it was made of
	Rules        []RuleOutcome    `json:"rules"`   // for each stage that has some
}

// StageRules are what must hold before a version may come into a stage.
type StageRules struct {
	Stage string   `json:"stage"`
	Rules []string `json:"rules"`
}

// RuleOutcome is whether a rule holds for a version.
type RuleOutcome struct {
	Stage string `json:"stage"`
	Rule  string `json:"rule"`
	OK    bool   `json:"ok"`
	Why   string `json:"why"`
}

// ModelEvent is something that happened to a model.
type ModelEvent struct {
	Time    time.Time `json:"time"`
	Version string    `json:"version"`
	Text    string    `json:"text"`
	By      string    `json:"by"`
	Tag     string    `json:"tag"`
	Message string    `json:"message"`
	Signed  bool      `json:"signed"`
}

// Promotion is what a person wants done with a version.
type Promotion struct {
	Model   string `json:"model"`
	Version string `json:"version"`
	Stage   string `json:"stage"`
	Comment string `json:"comment"`
	Stored  bool   `json:"stored"` // the model is in the store
}
