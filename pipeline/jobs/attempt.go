package jobs

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline/slurm"
	"github.com/xtrepro/xt/replay"
)

// Job is a job of a batch.
type Job struct {
	Batch *Batch
	N     int // in the batch
	Spec  *Spec
	State State
}

// State is what who follows a job notes.
type State struct {
	Attempts []*Attempt `json:"attempts"`
	// Taken says that the result has been brought into the workspace, or that nobody
	// wants it any more.
	Taken bool `json:"taken,omitempty"`
}

// Attempt is one time that a job was submitted.
type Attempt struct {
	ID        string      `json:"id"` // that the cluster gave it; "" if it may not have been submitted
	Submitted time.Time   `json:"submitted"`
	Over      bool        `json:"over,omitempty"`
	Kind      slurm.Kind  `json:"kind,omitempty"`  // of failure
	State     slurm.State `json:"state,omitempty"` // the last that was seen
	Node      string      `json:"node,omitempty"`
	Log       string      `json:"log,omitempty"` // what it wrote, if it shares a file with others
}

// Jobs returns the jobs of a batch. What is not known of one is as if it had not been
// submitted.
func (r *Registry) Jobs(b *Batch) []*Job {
	all := make([]*Job, len(b.Specs))
	for n, spec := range b.Specs {
		j := &Job{Batch: b, N: n, Spec: spec}
		if j.load() != nil {
			j.State = State{}
		}
		all[n] = j
	}
	return all
}

// Job returns the job that a reference names.
func (r *Registry) Job(ref Ref) (*Job, error) {
	b, err := r.Batch(ref.Batch)
	if err != nil {
		return nil, err
	}
	if ref.Job >= len(b.Specs) {
		return nil, fmt.Errorf("batch %s has no job %d", b.ID, ref.Job)
	}
	j := &Job{Batch: b, N: ref.Job, Spec: b.Specs[ref.Job]}
	return j, j.load()
}

// load reads what is noted of a job.
func (j *Job) load() error {
	err := readJSON(j.Batch.file(j.N, ".json"), &j.State)
	if err == nil && slices.Contains(j.State.Attempts, nil) {
		err = fmt.Errorf("%s has an attempt of nothing", j.Batch.file(j.N, ".json"))
	}
	return err
}

// Ref returns the name of the job.
func (j *Job) Ref() Ref { return Ref{j.Batch.ID, j.N} }

// Last returns the last attempt; nil if there is none.
func (j *Job) Last() *Attempt {
	if n := len(j.State.Attempts); n > 0 {
		return j.State.Attempts[n-1]
	}
	return nil
}

// number returns that of the last attempt, from 1.
func (j *Job) number() int { return len(j.State.Attempts) }

// mark returns what no other submission has.
func (j *Job) mark() string { return fmt.Sprintf("xt:%s/%d.%d", j.Batch.ID, j.N, j.number()) }

func (j *Job) save() error { return writeJSON(j.Batch.file(j.N, ".json"), &j.State) }

// Log returns the file that has what the last attempt wrote.
func (j *Job) Log() string {
	if last := j.Last(); last != nil && last.Log != "" {
		return last.Log
	}
	return j.Batch.file(j.N, "."+strconv.Itoa(j.number())+".log")
}

// Lease says which execution of a job may publish a result.
type Lease struct {
	Attempt   int       `json:"attempt"`
	Execution string    `json:"execution"` // "" for none
	Host      string    `json:"host,omitempty"`
	Began     time.Time `json:"began,omitzero"`
}

func (j *Job) lease() (l Lease, err error) {
	err = readJSON(j.Batch.file(j.N, ".lease"), &l)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return l, err
}

func (j *Job) setLease(l Lease) error { return writeJSON(j.Batch.file(j.N, ".lease"), l) }

// revoked reports whether the last attempt was cancelled through xt.
func (j *Job) revoked() bool {
	l, err := j.lease()
	return err == nil && l.Attempt > j.number()
}

// Lease returns what is known of the execution of the job; the zero value if it has
// not begun.
func (j *Job) Lease() Lease {
	l, err := j.lease()
	if err != nil || l.Attempt != j.number() {
		return Lease{}
	}
	return l
}

// Result is what came of an attempt.
type Result struct {
	Attempt   int    `json:"attempt"`
	Execution string `json:"execution"`
	Stage     string `json:"stage"`
	// Planned is the fingerprint before the command was run.
	Planned hash.Fingerprint `json:"planned"`
	// Lock is the text of a lock: the stage with its outputs, and its environment. It
	// is empty if it failed.
	Lock string `json:"lock,omitempty"`

	Error    *Failure        `json:"error,omitempty"`
	Seconds  float64         `json:"seconds"`
	Ended    time.Time       `json:"ended,omitzero"`
	Memory   int64           `json:"peak_memory_bytes,omitempty"`
	Log      string          `json:"log,omitempty"` // that xt keeps of the command
	Calls    *replay.Summary `json:"llm,omitempty"`
	Host     string          `json:"host"`
	Restored bool            `json:"restored,omitempty"` // somebody else had made it
	Trial    *TrialResult    `json:"trial,omitempty"`
}

// TrialResult is what came of a trial.
type TrialResult struct {
	Known   bool              `json:"known"` // nothing had to be executed
	Metrics map[string]string `json:"metrics"`
}

// Failure is why there is no result.
type Failure struct {
	Kind     string `json:"kind"` // "command", "output", "inputs", or "other"
	Msg      string `json:"msg"`
	Hint     string `json:"hint,omitempty"`
	ExitCode int    `json:"exit_code"`
	Tail     string `json:"tail,omitempty"`     // of what the command wrote
	Kept     bool   `json:"log_kept,omitempty"` // that is kept with the runs
}

// The kinds of failure.
const (
	commandFailed = "command"
	outputFailed  = "output"
	inputsDiffer  = "inputs"
	otherFailure  = "other"
)

// Result returns what came of the last attempt; nil if nothing has yet.
func (j *Job) Result() (*Result, error) { return j.resultOf(j.number()) }

func (j *Job) resultOf(attempt int) (*Result, error) {
	r := new(Result)
	err := readJSON(j.Batch.file(j.N, "."+strconv.Itoa(attempt)+".result"), r)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case r.Stage != j.Spec.Stage || r.Attempt != attempt:
		return nil, fmt.Errorf("the result of job %d of %s is that of another job", j.N, j.Batch.ID)
	}
	return r, nil
}

func (j *Job) publish(r *Result) error {
	return writeJSON(j.Batch.file(j.N, "."+strconv.Itoa(r.Attempt)+".result"), r)
}

// best returns the newest result that is none of a failure; nil if there is none.
func (j *Job) best() *Result {
	for k := j.number(); k > 0; k-- {
		if r, err := j.resultOf(k); err == nil && r != nil && r.Error == nil {
			return r
		}
	}
	return nil
}

// entry reads the stage from the text of a lock.
func entry(text, stage string) (*lock.Stage, *lock.Environment, error) {
	f, err := lock.Parse("a job's lock", []byte(text))
	if err != nil {
		return nil, nil, err
	}
	e := f.Stages[stage]
	if e == nil || e.Conflicted {
		return nil, nil, fmt.Errorf("it says nothing of stage %s", stage)
	}
	return e, f.EnvironmentOf(e), nil
}

// lockText is the opposite of entry.
func lockText(e *lock.Stage, env *lock.Environment) string {
	f := lock.New()
	f.Stages[e.Name] = e
	if env != nil {
		f.Environments[e.Environment] = env
	}
	return string(f.Encode())
}
