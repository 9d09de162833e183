// Package jobs runs stages as jobs of a cluster, and keeps book of them in the
// project, so that whoever comes later finds them again.
//
// # Files
//
// What one command submits is a batch, a directory in .xt/jobs: batch.json says what
// was to be done, and never changes; config holds xt.toml and the params files as
// they were. Of job N of a batch, N.json has the attempts, written by who follows the
// job and holds the workspace; N.lease names the execution that may publish a result;
// N.K.log has what attempt K wrote, and N.K.result, which appears whole, what came of
// it.
//
// # Executions
//
// A cluster may run a job twice: a node that was lost goes on with it, a controller
// that was killed starts it again. Each execution takes the lease when it begins, and
// looks whether it still has it before it publishes. It runs in a directory of its own,
// and publishes into the cache, so that two executions cannot disturb one another,
// and of those that end the last one that began counts.
package jobs

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/slurm"
)

// version of the files; one that is newer is not read.
const version = 1

// Options are those of the command that submitted a batch.
type Options struct {
	Targets      []string `json:"targets,omitempty"`
	Set          []string `json:"set,omitempty"` // other values of parameters: KEY=VALUE
	Single       bool     `json:"single_item,omitempty"`
	Downstream   bool     `json:"downstream,omitempty"`
	Force        bool     `json:"force,omitempty"`
	KeepGoing    bool     `json:"keep_going,omitempty"`
	AllowMissing bool     `json:"allow_missing,omitempty"`
	NoRunCache   bool     `json:"no_run_cache,omitempty"`
}

// Batch is what one command submitted.
type Batch struct {
	Version int       `json:"version"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Command string    `json:"command"` // as it was typed
	Host    string    `json:"host"`
	Options Options   `json:"options"`
	Specs   []*Spec   `json:"jobs"`
	Sweep   *Sweep    `json:"sweep,omitempty"` // whose trials the jobs are; nil: they are stages

	dir string
}

// Sweep is what trials have in common.
type Sweep struct {
	Name       string `json:"name"`
	Run        string `json:"run"` // that of the sweep, which those of trials are nested in
	NoRunCache bool   `json:"no_run_cache,omitempty"`
}

// Spec says what one job is to do.
type Spec struct {
	Stage string `json:"stage"`
	// Key is a digest of all that decides what the stage makes, what it depends on
	// included, that does not change when what it depends on is made.
	Key string `json:"key"`
	// Expected is the text of a lock: the stage as the command saw it, without what
	// other jobs are to make, and its environment.
	Expected string               `json:"expected"`
	Pending  []string             `json:"pending,omitempty"` // dependencies that other jobs make
	Needs    []Ref                `json:"needs,omitempty"`   // those jobs
	Inputs   map[string]hash.Node `json:"inputs"`
	Commit   string               `json:"commit,omitempty"`
	Dirty    bool                 `json:"dirty,omitempty"`
	Request  slurm.Request        `json:"request"` // but for what differs between attempts
	Trial    *Trial               `json:"trial,omitempty"`
}

// Trial is what is particular to a trial of a sweep. Its stage is that which makes the
// first objective.
type Trial struct {
	Sweep  string   `json:"sweep"`
	Number int      `json:"number"`
	Set    []string `json:"set"`  // the values of its parameters: KEY=VALUE
	Task   int      `json:"task"` // of the array, which may have several trials
}

// Name says what the job is to people.
func (s *Spec) Name() string {
	if s.Trial == nil {
		return s.Stage
	}
	return fmt.Sprintf("%s %d", s.Trial.Sweep, s.Trial.Number)
}

// Ref names a job.
type Ref struct {
	Batch string `json:"batch"`
	Job   int    `json:"job"`
}

// Registry is where the batches of a project are.
type Registry struct{ dir string }

// Open returns the registry of the project at root, which need not exist yet.
func Open(root string) *Registry {
	return &Registry{filepath.Join(root, pipeline.StateDir, "jobs")}
}

var idPattern = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}-[0-9a-f]{4}$`)

// UnknownError says that a name is that of no batch and no job.
type UnknownError struct{ Name string }

// Error repeats the name.
func (e *UnknownError) Error() string { return fmt.Sprintf("there is no job %q", e.Name) }

// Hints says where to look.
func (e *UnknownError) Hints() []string {
	return []string{"\"xt jobs list\" shows those that were submitted from this project"}
}

// create makes a batch with a name that no other has.
func (r *Registry) create(command string, opts Options) (*Batch, error) {
	if err := os.MkdirAll(r.dir, 0o777); err != nil {
		return nil, err
	}
	r.prune()
	now := time.Now()
	host, _ := os.Hostname()
	for range 100 {
		b := &Batch{Version: version, Created: now, Command: command, Host: host, Options: opts}
		b.ID = now.UTC().Format("20060102T150405") + "-" + random(2)
		b.dir = filepath.Join(r.dir, b.ID)
		err := os.Mkdir(b.dir, 0o777)
		if !errors.Is(err, fs.ErrExist) {
			return b, err
		}
	}
	return nil, fmt.Errorf("no free name for a batch in %s", r.dir)
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// save writes the batch, which exists from then on, and the texts of the project's
// own files.
func (b *Batch) save(texts map[string][]byte) error {
	for name, text := range texts {
		file := filepath.Join(b.dir, "config", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(b.dir, "batch.json"), b)
}

// Config is what the project's own files were.
func (b *Batch) Config() pipeline.Source { return pipeline.Dir(filepath.Join(b.dir, "config")) }

// Scratch is where the directories of its commands are made unless something else is
// configured.
func (b *Batch) Scratch() string { return filepath.Join(b.dir, "tmp") }

// Batch reads a batch. The error wraps [fs.ErrNotExist] if there is none.
func (r *Registry) Batch(id string) (*Batch, error) {
	if !idPattern.MatchString(id) {
		return nil, &UnknownError{id}
	}
	b := &Batch{dir: filepath.Join(r.dir, id)}
	if err := readJSON(filepath.Join(b.dir, "batch.json"), b); err != nil {
		return nil, err
	}
	if err := b.check(id); err != nil {
		return nil, fmt.Errorf("read the batch of jobs %s: %w", id, err)
	}
	return b, nil
}

// check refuses what no xt wrote.
func (b *Batch) check(id string) error {
	switch {
	case b.Version > version:
		return fmt.Errorf("a newer xt wrote it (version %d)", b.Version)
	case b.ID != id:
		return errors.New("it has another name in it")
	}
	for _, s := range b.Specs {
		if s == nil || s.Stage == "" {
			return errors.New("it has a job of no stage")
		}
		for _, n := range s.Needs {
			if !idPattern.MatchString(n.Batch) || n.Job < 0 {
				return errors.New("it waits for what is no job")
			}
		}
		for name, n := range s.Inputs {
			if !filepath.IsLocal(filepath.FromSlash(name)) || n.Kind > hash.Directory {
				return fmt.Errorf("%q is no input", name)
			}
		}
	}
	return nil
}

// Batches returns all batches, the newest first. One that cannot be read, as that of
// a command that was killed before it was complete, is left out.
func (r *Registry) Batches() ([]*Batch, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*Batch
	for _, e := range entries {
		if b, err := r.Batch(e.Name()); err == nil {
			all = append(all, b)
		}
	}
	// Names say the second alone.
	slices.SortStableFunc(all, func(a, b *Batch) int { return b.Created.Compare(a.Created) })
	return all, nil
}

// Find returns the batch that has a name, or the beginning of one, or a job of a
// number that the cluster gave it; the newest if the name is "".
func (r *Registry) Find(name string) (*Batch, error) {
	all, err := r.Batches()
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if name == "" || b.Named(name) {
			return b, nil
		}
	}
	for _, b := range all {
		for _, j := range r.Jobs(b) {
			if slices.ContainsFunc(j.State.Attempts, func(a *Attempt) bool { return a.ID == name }) {
				return b, nil
			}
		}
	}
	return nil, &UnknownError{name}
}

// Named reports whether a name is that of the batch or the beginning of it, and no
// number of a job.
func (b *Batch) Named(name string) bool {
	return len(name) > len("20060102") && strings.HasPrefix(b.ID, name)
}

// maxFile bounds a file of a batch, in bytes.
const maxFile = 64 << 20

func writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(name, append(b, '\n'), 0o666)
}

func readJSON(name string, v any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it has more than %d MiB", maxFile>>20)
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// file returns the path of a file of job n.
func (b *Batch) file(n int, suffix string) string {
	return filepath.Join(b.dir, strconv.Itoa(n)+suffix)
}

// Needs returns what the jobs that have not ended need of the cache, and what they
// have made that nobody has taken yet.
func (r *Registry) Needs() ([]hash.Node, error) {
	all, err := r.Batches()
	if err != nil {
		return nil, err
	}
	var nodes []hash.Node
	for _, b := range all {
		for _, j := range r.Jobs(b) {
			if j.State.Taken {
				continue
			}
			for _, n := range j.Spec.Inputs {
				nodes = append(nodes, n)
			}
			if best := j.best(); best != nil {
				if e, _, err := entry(best.Lock, j.Spec.Stage); err == nil {
					for _, it := range e.Outs {
						nodes = append(nodes, it.Node)
					}
				}
			}
		}
	}
	return nodes, nil
}

// keep is how long batches of which nothing is wanted any more are kept for people to
// look at.
const keep = 14 * 24 * time.Hour

// prune removes old batches.
func (r *Registry) prune() {
	all, _ := r.Batches() // what cannot be read stays
	for _, b := range all {
		open := slices.ContainsFunc(r.Jobs(b), func(j *Job) bool { return !j.State.Taken })
		if !open && time.Since(b.Created) > keep {
			_ = os.RemoveAll(b.dir)
		}
	}
}
