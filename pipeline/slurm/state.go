package slurm

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// State is what Slurm calls the state of a job.
type State string

// The states that matter here; others stand for a job that waits or runs.
const (
	Pending     State = "PENDING"
	Running     State = "RUNNING"
	Suspended   State = "SUSPENDED"
	Completed   State = "COMPLETED"
	Failed      State = "FAILED"
	Cancelled   State = "CANCELLED"
	TimedOut    State = "TIMEOUT"
	Deadline    State = "DEADLINE"
	NodeFail    State = "NODE_FAIL"
	BootFail    State = "BOOT_FAIL"
	OutOfMemory State = "OUT_OF_MEMORY"
	Preempted   State = "PREEMPTED"
	Revoked     State = "REVOKED"
)

// Over reports whether a job of this state has ended.
func (s State) Over() bool {
	switch s {
	case Completed, Failed, Cancelled, TimedOut, Deadline, NodeFail, BootFail, OutOfMemory, Preempted, Revoked:
		return true
	}
	return false
}

// Job is what Slurm says of a job, or of a task of an array.
type Job struct {
	ID     string // as sbatch gave it: of an array, for all of its tasks
	Task   string // index in the array; "" if it is none
	State  State
	Reason string // why it waits, or ended
	Node   string // where it runs or ran; "" if nowhere
}

// Name returns the number by which the job, or the task, is asked for: "12" or "12_3".
func (j *Job) Name() string {
	if j.Task == "" {
		return j.ID
	}
	return j.ID + "_" + j.Task
}

// Stuck reports whether a waiting job will never start by itself, though nobody
// held it: its start failed, or what it waits for did.
func (j *Job) Stuck() bool {
	return j.State == Pending && (j.LaunchFailed() || j.Orphaned())
}

// Held reports whether the job waits until somebody lets it go on.
func (j *Job) Held() bool {
	return j.Reason == "JobHeldUser" || j.Reason == "JobHeldAdmin" || j.Reason == "job requeued in held state"
}

// LaunchFailed reports whether a node could not start the job, so that it was put
// back and held.
func (j *Job) LaunchFailed() bool {
	reason := strings.ReplaceAll(strings.ToLower(j.Reason), "_", " ")
	return strings.Contains(reason, "launch failed") || j.Reason == launchFailure || reason == "jobholdmaxrequeue"
}

// Orphaned reports whether the job waits, or waited, for one that did not succeed.
func (j *Job) Orphaned() bool { return j.Reason == "DependencyNeverSatisfied" }

// format of squeue: number, index in the array, state, reason, node.
const format = "%F|%K|%T|%N|%r"

// Jobs asks for the jobs, and tasks of arrays, with these numbers. Those that the controller has forgotten
// are looked for in the accounts; what is in neither is left out.
func (c *Client) Jobs(ctx context.Context, ids []string) ([]Job, error) {
	var all []Job
	for some := range slices.Chunk(ids, atOnce) {
		out, err := c.queue(ctx, some, "--format="+format)
		if err != nil {
			return nil, err
		}
		jobs := ParseQueue(out)
		c.discern(ctx, jobs)
		if lost := without(some, jobs); len(lost) > 0 {
			jobs = append(jobs, c.accounted(ctx, lost)...)
		}
		all = append(all, jobs...)
	}
	return all, nil
}

// queue asks squeue for jobs. It is no error that it does not know one of them.
func (c *Client) queue(ctx context.Context, ids []string, format string) (string, error) {
	out, err := c.run(ctx, "", "squeue", "--noheader", "--array", "--states=all", "--jobs="+strings.Join(ids, ","), format)
	var refused *Error
	if errors.As(err, &refused) && strings.Contains(refused.Msg, "Invalid job id") {
		return "", nil // so it says where it is asked for a single one
	}
	return out, err
}

// discern corrects what Slurm says of jobs that a node could not start, which it shows
// as cancelled, as those that people cancelled, and of those that were killed, which it
// says could not be started.
func (c *Client) discern(ctx context.Context, jobs []Job) {
	var ids []string
	for i := range jobs {
		if jobs[i].ambiguous() {
			ids = append(ids, jobs[i].Name())
		}
	}
	if len(ids) == 0 {
		return
	}
	out, err := c.queue(ctx, ids, "--Format=JobArrayID:40,exit_code:20")
	if err != nil {
		return // it stays as Slurm says
	}
	codes := parseCodes(out)
	for i := range jobs {
		j := &jobs[i]
		switch code, known := codes[j.Name()]; {
		case !known || !j.ambiguous():
		case j.State == Cancelled && code == 0: // nothing was there to be ended
			j.Reason = launchFailure
		case j.State == Failed && code < 256: // a signal, where errors of Slurm are above 1000
			j.Reason = "RaisedSignal"
		}
	}
}

const launchFailure = "JobLaunchFailure"

// ambiguous reports whether only the code that a job ended with says what became of it.
func (j *Job) ambiguous() bool {
	return j.State == Cancelled && j.Node != "" || j.State == Failed && j.Reason == launchFailure
}

// parseCodes reads lines of a number and the code that the job ended with, as that of
// wait(2).
func parseCodes(out string) map[string]int {
	codes := map[string]int{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 2 {
			continue
		}
		if code, err := strconv.Atoi(f[1]); err == nil {
			codes[f[0]] = code
		}
	}
	return codes
}

// without returns the ids that none of the jobs has.
func without(ids []string, jobs []Job) []string {
	has := map[string]bool{}
	for i := range jobs {
		has[jobs[i].ID], has[jobs[i].Name()] = true, true
	}
	var lost []string
	for _, id := range ids {
		if !has[id] {
			lost = append(lost, id)
		}
	}
	return lost
}

// accounted asks the accounts, which many clusters do not keep.
func (c *Client) accounted(ctx context.Context, ids []string) []Job {
	out, err := once(ctx, "", "sacct", "--allocations", "--noheader", "--parsable2", "--jobs="+strings.Join(ids, ","), "--format=JobID,State,NodeList")
	if err != nil {
		return nil
	}
	// That a job goes on which the controller does not know is a claim of accounts that
	// nobody will correct.
	return slices.DeleteFunc(ParseAccounts(out), func(j Job) bool { return !j.State.Over() })
}

// ParseQueue reads what squeue printed. A line that makes no sense is left out.
func ParseQueue(out string) []Job {
	var jobs []Job
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimRight(line, "\r\n"), "|", 5)
		if len(f) != 5 || !idPattern.MatchString(f[0]) {
			continue
		}
		j := Job{ID: f[0], State: stateOf(f[2]), Node: known(f[3]), Reason: known(f[4])}
		if idPattern.MatchString(f[1]) {
			j.Task = f[1]
		}
		if j.State != "" {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// ParseAccounts reads what sacct printed. A line that makes no sense is left out.
func ParseAccounts(out string) []Job {
	var jobs []Job
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "|")
		if len(f) != 3 {
			continue
		}
		id, task, isTask := strings.Cut(f[0], "_")
		if !idPattern.MatchString(id) || isTask && !idPattern.MatchString(task) {
			continue // tasks that did not begin stand in one line: 12_[3-7]
		}
		if j := (Job{ID: id, Task: task, State: stateOf(f[1]), Node: known(f[2])}); j.State != "" {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// stateOf returns the state in a word or more: "CANCELLED by 0".
func stateOf(text string) State {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	for _, r := range word {
		if (r < 'A' || r > 'Z') && r != '_' {
			return ""
		}
	}
	return State(word)
}

// known returns a text that is not one of Slurm's words for nothing.
func known(text string) string {
	switch text = strings.TrimSpace(text); text {
	case "None", "(null)", "None assigned", "N/A", "n/a":
		return ""
	}
	return text
}
