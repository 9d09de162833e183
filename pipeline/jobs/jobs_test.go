package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/slurm"
)

const config = `
[stage.first]
cmd = "cat in.txt > first.txt"
deps = ["in.txt"]
outs = ["first.txt"]

[stage.second]
cmd = "cat first.txt first.txt > second.txt"
deps = ["first.txt"]
outs = ["second.txt"]
`

// project makes a project, and an executor to which it has been submitted, but for the
// cluster: what sbatch would have got is written down.
func project(t *testing.T) (*pipeline.Workspace, *Executor) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs commands")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "xt.toml"), config)
	write(t, filepath.Join(dir, "in.txt"), "in\n")
	w := open(t, dir, nil)
	if err := pipeline.MakeStateDir(w.Root); err != nil {
		t.Fatal(err)
	}
	x := &Executor{Registry: Open(w.Root), Client: &slurm.Client{}, Program: "/usr/bin/xt", Say: func(string, ...any) {}}
	return w, x
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string, b *Batch) *pipeline.Workspace {
	t.Helper()
	opts := pipeline.OpenOptions{}
	if b != nil {
		opts.Config, opts.Scratch = b.Config(), b.Scratch()
	}
	w, err := pipeline.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// work is what a run would submit.
func work(t *testing.T, w *pipeline.Workspace) *pipeline.Work {
	t.Helper()
	plan, err := w.Plan(t.Context(), w.Graph.Stages, pipeline.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Work{Workspace: w, Steps: plan.Stale()}
}

// describe writes the batch of all stages as Submit does, with a first attempt of each.
func describe(t *testing.T, w *pipeline.Workspace, x *Executor) []*Job {
	t.Helper()
	x.init(work(t, w))
	keys := x.keys(x.work)
	b, err := x.Registry.create("xt repro", Options{})
	if err != nil {
		t.Fatal(err)
	}
	away := map[*pipeline.Stage]bool{}
	for _, step := range x.work.Steps {
		away[step.Stage] = true
	}
	for n, step := range x.work.Steps {
		j := &Job{Batch: b, N: n}
		if j.Spec, err = x.spec(t.Context(), b, n, step, away, keys); err != nil {
			t.Fatal(err)
		}
		b.Specs = append(b.Specs, j.Spec)
		x.jobs[step.Stage.Name] = j
	}
	if err := b.save(w.Texts()); err != nil {
		t.Fatal(err)
	}
	for _, j := range x.Jobs() {
		attempt(t, j)
	}
	return x.Jobs()
}

func attempt(t *testing.T, j *Job) {
	t.Helper()
	j.State.Attempts = append(j.State.Attempts, &Attempt{ID: "1", Submitted: time.Now()})
	if err := j.save(); err != nil {
		t.Fatal(err)
	}
}

type silent struct{}

func (silent) Begin(*pipeline.Step) {}
func (silent) Output(*pipeline.Stage) (stdout, stderr io.Writer, end func()) {
	return io.Discard, io.Discard, func() {}
}
func (silent) End(*pipeline.Result) {}

// perform does what a node does: all that it knows comes from the files.
func perform(t *testing.T, w *pipeline.Workspace, j *Job, attempt int) error {
	t.Helper()
	again, err := Open(w.Root).Job(j.Ref())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Perform(t.Context(), open(t, w.Root, again.Batch), again, attempt, silent{})
	return err
}

func TestPerform(t *testing.T) {
	w, x := project(t)
	jobs := describe(t, w, x)
	if got, want := jobs[1].Spec.Pending, []string{"first.txt"}; !slices.Equal(got, want) || len(jobs[1].Spec.Needs) != 1 {
		t.Fatalf("the second job waits for %v, %v", got, jobs[1].Spec.Needs)
	}
	t.Setenv("SLURMD_NODENAME", "n1")
	// What it needs is not there, whatever the cluster thinks.
	if err := perform(t, w, jobs[1], 1); err == nil {
		t.Fatal("the second job did not miss the first")
	}
	if r, err := jobs[1].Result(); err != nil || r == nil || r.Error == nil || r.Error.Kind != upstreamMissing {
		t.Fatalf("its result is %+v, %v", r, err)
	}
	// What is edited after the submission is not what runs.
	write(t, filepath.Join(w.Root, "in.txt"), "edited\n")
	write(t, filepath.Join(w.Root, "xt.toml"), "broken")
	attempt(t, jobs[1])
	for i, j := range jobs {
		if err := perform(t, w, j, i+1); err != nil {
			t.Fatal(err)
		}
	}
	r := jobs[1].best()
	if r == nil || r.Attempt != 2 {
		t.Fatalf("the best result is %+v", r)
	}
	e, _, err := entry(r.Lock, "second")
	if err != nil || e.Outs[0].Sum != hash.Bytes([]byte("in\nin\n")) || e.How != lock.Executed {
		t.Errorf("the second job made %+v, %v", e, err)
	}
	if r.Planned != pipeline.Fingerprint(e) {
		t.Error("its fingerprint is not that of its entry")
	}
	for _, name := range []string{"first.txt", "xt.lock"} {
		if _, err := os.Lstat(filepath.Join(w.Root, name)); err == nil {
			t.Errorf("a job wrote %s", name)
		}
	}
	if entries, err := os.ReadDir(jobs[0].Batch.Scratch()); err != nil || len(entries) > 0 {
		t.Errorf("the directories of the commands are left: %v, %v", entries, err)
	}
	// Nobody does it twice.
	if err := perform(t, w, jobs[0], 1); err != nil {
		t.Errorf("the same attempt once more: %v", err)
	}
	views, err := x.Registry.Survey(t.Context(), x.Client, []*Batch{jobs[0].Batch})
	if err != nil || len(views) != 2 || views[0].Status != Succeeded || views[1].Status != Succeeded {
		t.Fatalf("they stand at %+v, %v", views, err)
	}
	if views[0].Node != "n1" {
		t.Errorf("a job that nobody saw running ran on %q", views[0].Node)
	}
	// One that was given up is not one that somebody cancelled.
	jobs[0].State.Attempts = append(jobs[0].State.Attempts, &Attempt{ID: "2", Over: true, Kind: slurm.OutOfRAM})
	if err := jobs[0].setLease(Lease{Attempt: jobs[0].number() + 1}); err != nil {
		t.Fatal(err)
	}
	if v := jobs[0].view(); v.Status != Broken || v.Detail != slurm.OutOfRAM.Words() {
		t.Errorf("a job that ran out of memory is %s: %s", v.Status, v.Detail)
	}
}

func TestLease(t *testing.T) {
	w, x := project(t)
	j := describe(t, w, x)[0]
	// An attempt that was given up does nothing.
	attempt(t, j)
	if err := perform(t, w, j, 1); !errors.Is(err, errSuperseded) {
		t.Errorf("the first attempt after the second was submitted: %v", err)
	}
	// One that loses the lease while it runs publishes nothing.
	execution := &execution{Job: j, w: open(t, w.Root, j.Batch), attempt: 2, id: "one"}
	if done, err := execution.begin(); done || err != nil {
		t.Fatal(done, err)
	}
	other := *execution
	other.id = "two"
	if done, err := other.begin(); done || err != nil {
		t.Fatal(done, err)
	}
	if err := execution.current(); !errors.Is(err, errSuperseded) {
		t.Errorf("the first execution after the second began: %v", err)
	}
	step := x.work.Steps[0]
	if err := execution.confirm(step); !errors.Is(err, errSuperseded) {
		t.Errorf("it may publish: %v", err)
	}
	if err := other.confirm(step); err != nil {
		t.Errorf("the second may not: %v", err)
	}
	// Nor does one that was cancelled.
	t.Setenv("PATH", fakeScancel(t))
	if err := Cancel(context.Background(), x.Client, j); err != nil {
		t.Fatal(err)
	}
	if err := other.confirm(step); !errors.Is(err, errSuperseded) {
		t.Errorf("a job that was cancelled publishes: %v", err)
	}
}

// fakeScancel is a PATH with a scancel for a job that no cluster has, which it says
// nothing of.
func fakeScancel(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "scancel"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestKeys(t *testing.T) {
	w, x := project(t)
	x.init(work(t, w))
	before := x.keys(x.work)
	// They stay the same when a stage is done that another depends on.
	if _, err := w.Run(t.Context(), w.Graph.Stages[:1], pipeline.RunOptions{}, silent{}); err != nil {
		t.Fatal(err)
	}
	later := work(t, w)
	if len(later.Steps) != 1 || later.Steps[0].Stage.Name != "second" {
		t.Fatalf("%d steps are left", len(later.Steps))
	}
	if got := x.keys(later); got["second"] != before["second"] || before["second"] == before["first"] {
		t.Errorf("keys %v, before %v", got, before)
	}
	// They change with the inputs of that stage.
	write(t, filepath.Join(w.Root, "in.txt"), "other\n")
	again := open(t, w.Root, nil)
	if got := x.keys(work(t, again)); got["second"] == before["second"] || got["first"] == before["first"] {
		t.Errorf("keys %v, before %v", got, before)
	}
}

func TestExpected(t *testing.T) {
	w, x := project(t)
	j := describe(t, w, x)[0]
	e, env, err := entry(j.Spec.Expected, "first")
	if err != nil {
		t.Fatal(err)
	}
	other := *env
	other.Arch = "sparc"
	changed := *e
	changed.Environment = other.Sum()
	j.Spec.Expected = lockText(&changed, &other)
	execution := &execution{Job: j, w: w, attempt: 1, id: "x"}
	var differ *InputsError
	if err := execution.expected(x.work.Steps[0]); !errors.As(err, &differ) || len(differ.What) == 0 {
		t.Errorf("on another machine: %v", err)
	}
	j.Spec.Expected = "nonsense"
	if err := execution.expected(x.work.Steps[0]); err == nil {
		t.Error("nonsense is expected")
	}
}

func TestFind(t *testing.T) {
	w, x := project(t)
	j := describe(t, w, x)[0]
	id := j.Batch.ID
	for _, name := range []string{"", id, id[:11], "1"} {
		if b, err := x.Registry.Find(name); err != nil || b.ID != id {
			t.Errorf("%q: %v, %v", name, b, err)
		}
	}
	var unknown *UnknownError
	for _, name := range []string{"2", "2026", "../" + id, "x"} {
		if b, err := x.Registry.Find(name); !errors.As(err, &unknown) {
			t.Errorf("%q: %v, %v", name, b, err)
		}
	}
	nodes, err := x.Registry.Needs()
	if err != nil || !slices.ContainsFunc(nodes, func(n hash.Node) bool { return n.Sum == hash.Bytes([]byte("in\n")) }) {
		t.Errorf("its jobs need %v, %v", nodes, err)
	}
	// What is done with goes when it is old.
	for _, j := range x.Registry.Jobs(j.Batch) {
		j.State.Taken = true
		if err := j.save(); err != nil {
			t.Fatal(err)
		}
	}
	x.Registry.prune()
	if _, err := x.Registry.Batch(id); err != nil {
		t.Errorf("a new batch is gone: %v", err)
	}
	j.Batch.Created = time.Now().Add(-keep - time.Hour)
	if err := writeJSON(filepath.Join(j.Batch.dir, "batch.json"), j.Batch); err != nil {
		t.Fatal(err)
	}
	x.Registry.prune()
	if _, err := os.Stat(j.Batch.dir); err == nil {
		t.Error("an old batch is still there")
	}
}

func TestBatchesNewestFirst(t *testing.T) {
	r := Open(t.TempDir())
	var want, got []string
	for range 8 { // within a second
		b, err := r.create("xt repro", Options{})
		if err == nil {
			err = b.save(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		want = slices.Insert(want, 0, b.ID)
	}
	all, err := r.Batches()
	for _, b := range all {
		got = append(got, b.ID)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("batches %v, %v; want %v", got, err, want)
	}
}

// FuzzBatch reads batches, results and leases that no xt wrote.
func FuzzBatch(f *testing.F) {
	const id = "20260314T092653-0a0b"
	f.Add(`{"version":1,"id":"`+id+`","jobs":[{"stage":"a","key":"k","needs":[{"batch":"`+id+`","job":0}],"inputs":{"a/b":{"Kind":1}}}]}`, `{"attempts":[{"id":"1"}]}`, `{"attempt":1,"stage":"a","lock":"x"}`)
	f.Add(`{"id":"`+id+`","jobs":[{"stage":"a"}]}`, `{"attempts":[null]}`, `{}`)
	f.Add(`{"version":1,"id":"`+id+`","jobs":[{"stage":"a","inputs":{"../x":{}}}]}`, ``, ``)
	dir := f.TempDir()
	r := &Registry{dir}
	if err := os.Mkdir(filepath.Join(dir, id), 0o777); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, batch, state, result string) {
		for name, text := range map[string]string{"batch.json": batch, "0.json": state, "0.1.result": result, "0.lease": result} {
			write(t, filepath.Join(dir, id, name), text)
		}
		b, err := r.Batch(id)
		if err != nil {
			return
		}
		for _, s := range b.Specs {
			for name := range s.Inputs {
				if strings.Contains(name, "..") && !filepath.IsLocal(name) {
					t.Errorf("an input is %q", name)
				}
			}
		}
		for _, j := range r.Jobs(b) {
			_, _ = j.view(), j.best()
			if best, err := j.Result(); err == nil && best != nil && best.Error == nil {
				_, _, _ = entry(best.Lock, j.Spec.Stage)
			}
		}
		if _, err := r.Needs(); err != nil {
			t.Error(err)
		}
		if _, err := json.Marshal(b); err != nil {
			t.Error(err)
		}
	})
}
