package slurm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is a job that is to be submitted.
type Request struct {
	Name   string // as squeue shows it
	Mark   string // no other job has it: it stands in the comment of the job
	Script string
	Dir    string   // where it starts
	Output string   // the file that gets its output; a task of an array appends its index with Array
	Array  string   // "0-7%4"; "" for a job that is none
	After  []string // numbers of jobs that have to succeed first

	Partition, Account, QOS, Constraint string

	CPUs, GPUs int
	Memory     int64         // bytes
	Time       time.Duration // wall clock
	Extra      []string      // further arguments of sbatch
}

// Args returns the arguments of sbatch.
func (r *Request) Args() []string {
	// Slurm starts a job of a lost node again by itself otherwise, while the first
	// may go on; who submitted it decides that.
	args := []string{"--parsable", "--no-requeue", "--kill-on-invalid-dep=yes", "--open-mode=append",
		"--job-name=" + r.Name, "--comment=" + r.Mark, "--chdir=" + r.Dir, "--output=" + literal(r.Output)}
	if r.Array != "" {
		args[len(args)-1] += ".%a"
		args = append(args, "--array="+r.Array)
	}
	if len(r.After) > 0 {
		args = append(args, "--dependency=afterok:"+strings.Join(r.After, ":"))
	}
	for flag, value := range map[string]string{"--partition=": r.Partition, "--account=": r.Account, "--qos=": r.QOS, "--constraint=": r.Constraint} {
		if value != "" {
			args = append(args, flag+value)
		}
	}
	if r.CPUs > 0 {
		args = append(args, "--cpus-per-task="+strconv.Itoa(r.CPUs))
	}
	if r.GPUs > 0 {
		args = append(args, "--gres=gpu:"+strconv.Itoa(r.GPUs))
	}
	if r.Memory > 0 {
		args = append(args, fmt.Sprintf("--mem=%dK", max(1, (r.Memory+1023)>>10)))
	}
	if r.Time > 0 {
		args = append(args, "--time="+clock(r.Time))
	}
	return append(args, r.Extra...)
}

// literal spells the name of a file so that Slurm finds no pattern in it.
func literal(name string) string { return strings.ReplaceAll(name, "%", "%%") }

// clock spells a duration as hours, minutes and seconds, in full seconds upwards.
func clock(d time.Duration) string {
	s := int64((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

var idPattern = regexp.MustCompile(`^[0-9]{1,18}$`)

// Submit submits a job and returns its number. A request that the cluster cannot
// meet is an [*Error]. Where the controller does not answer, it is asked whether it
// has the job before it is given it again.
func (c *Client) Submit(ctx context.Context, r *Request) (string, error) {
	again := false
	id, err := c.patiently(ctx, func() (string, error) {
		if again {
			if id, found, err := marked(ctx, r.Mark); err != nil || found {
				return id, err
			}
		}
		again = true
		out, err := once(ctx, r.Script, "sbatch", r.Args()...)
		if err != nil {
			return "", err
		}
		return parseSubmitted(out)
	})
	if err != nil && ctx.Err() != nil {
		// It may have been taken before sbatch was ended.
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if id, found, err := c.Marked(within, r.Mark); err == nil && found {
			return id, nil
		}
	}
	return id, err
}

// parseSubmitted reads what sbatch prints: the number, and in a federation the
// cluster. Some clusters have it greet people first.
func parseSubmitted(out string) (string, error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	id, _, _ := strings.Cut(strings.TrimSpace(lines[len(lines)-1]), ";")
	if !idPattern.MatchString(id) {
		return "", &Error{"sbatch", fmt.Sprintf("its answer %.80q is not the number of a job", out)}
	}
	return id, nil
}

// Marked returns the number of the job that was submitted with a mark, if the
// controller knows one.
func (c *Client) Marked(ctx context.Context, mark string) (id string, found bool, err error) {
	out, err := c.run(ctx, "", "squeue", markArgs...)
	id, found = findMark(out, mark)
	return id, found, err
}

// marked looks for a job that was taken although the answer did not arrive.
func marked(ctx context.Context, mark string) (id string, found bool, err error) {
	out, err := once(ctx, "", "squeue", markArgs...)
	id, found = findMark(out, mark)
	return id, found, err
}

var markArgs = []string{"--noheader", "--me", "--states=all", "--format=%F|%k"}

func findMark(out, mark string) (id string, found bool) {
	for line := range strings.Lines(out) {
		id, comment, _ := strings.Cut(strings.TrimSpace(line), "|")
		if comment == mark && idPattern.MatchString(id) {
			return id, true
		}
	}
	return "", false
}

// Cancel ends jobs, or takes them out of the queue. One that has ended is passed over.
func (c *Client) Cancel(ctx context.Context, ids ...string) error {
	for some := range slices.Chunk(ids, atOnce) {
		_, err := c.run(ctx, "", "scancel", append([]string{"--quiet"}, some...)...)
		var refused *Error
		if err != nil && !(errors.As(err, &refused) && strings.Contains(refused.Msg, "nvalid job id")) {
			return err
		}
	}
	return nil
}
