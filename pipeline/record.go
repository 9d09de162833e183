package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/xtrepro/xt/seedenv"
)

// Record is what is kept of one execution, beside its output, for people to
// look up. It is of no influence on what is up to date.
type Record struct {
	Stage    string    `json:"stage"`
	Cmd      string    `json:"cmd"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	ExitCode int       `json:"exit_code"` // -1 if it was ended by a signal or never started
	Error    string    `json:"error,omitempty"`
	Memory   int64     `json:"peak_memory_bytes,omitempty"`
	Log      string    `json:"log"` // path of the command's output

	// Machine is what it ran on: recorded only, of no influence on identity.
	Machine map[string]string `json:"machine,omitempty"`
}

// recorder writes the record of an execution that goes on.
type recorder struct {
	Record
	log *os.File // what the command writes; the caller closes it
}

// newRecorder begins the record of an execution of s.
func (w *Workspace) newRecorder(s *Stage) (*recorder, error) {
	now := time.Now()
	for range 100 {
		id := fmt.Sprintf("%s-%04x", now.UTC().Format("20060102T150405.000"), rand.Uint32()&0xffff)
		dir := w.state(filepath.Join("runs", id))
		err := os.Mkdir(dir, 0o777)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.MkdirAll(dir, 0o777)
		}
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f, err := os.Create(filepath.Join(dir, "log"))
		if err != nil {
			return nil, err
		}
		return &recorder{Record{Stage: s.Name, Cmd: s.Cmd, Started: now, Log: f.Name()}, f}, nil
	}
	return nil, fmt.Errorf("no free name for a record in %s", w.state("runs"))
}

// finish writes how the execution ended.
func (r *recorder) finish(res *Result, err error) error {
	r.Machine = seedenv.Machine()
	r.Seconds, r.Memory = res.Duration.Seconds(), res.Memory
	if err != nil {
		r.Error, r.ExitCode = err.Error(), -1
		var failed *StageError
		if errors.As(err, &failed) {
			r.ExitCode = failed.ExitCode
		}
	}
	b, err := json.MarshalIndent(r.Record, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(r.Log), "run.json"), append(b, '\n'), 0o666)
}

// Records returns what is kept of the executions of the stages, the newest
// first; of all stages if none is given. A record that cannot be read is left
// out.
func (w *Workspace) Records(stages ...string) ([]*Record, error) {
	entries, err := os.ReadDir(w.state("runs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var records []*Record
	for i := len(entries) - 1; i >= 0; i-- {
		dir := w.state(filepath.Join("runs", entries[i].Name()))
		b, err := os.ReadFile(filepath.Join(dir, "run.json"))
		if err != nil {
			continue
		}
		r := new(Record)
		if json.Unmarshal(b, r) != nil {
			continue
		}
		r.Log = filepath.Join(dir, "log")
		if len(stages) == 0 || slices.Contains(stages, r.Stage) {
			records = append(records, r)
		}
	}
	return records, nil
}
