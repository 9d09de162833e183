// Package slurm speaks to a Slurm cluster through its command-line programs:
// sbatch, squeue, scancel, and sacct where accounting is kept.
//
// Every answer is a claim of some moment: the controller forgets jobs minutes after
// their end, gives an array's tasks numbers of their own, and may start a job twice
// after it was killed itself. What a job did is told by what it leaves, not here.
package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/xtrepro/xt/internal/backoff"
)

// Client calls the programs of Slurm.
type Client struct {
	// Log, if not nil, is told that the controller cannot be reached, and that it
	// can again.
	Log func(text string)
	// Patience is how long a controller that cannot be reached is waited for; 0 is
	// for ever.
	Patience time.Duration
}

// MissingError says that a program of Slurm is not on this machine.
type MissingError struct{ Program string }

// Error names the program.
func (e *MissingError) Error() string {
	return fmt.Sprintf("there is no %s on PATH, so that no Slurm cluster can be reached from here", e.Program)
}

// Hints says where the program comes from.
func (e *MissingError) Hints() []string {
	return []string{"run xt on a login node of the cluster, load the module that has Slurm, or install its client programs (slurm-client); without --executor slurm the stages run on this machine"}
}

// Installed returns a [*MissingError] if one of the programs that are needed is not on
// PATH.
func Installed() error {
	for _, name := range []string{"sbatch", "squeue", "scancel"} {
		if _, err := exec.LookPath(name); err != nil {
			return &MissingError{name}
		}
	}
	return nil
}

// UnreachableError says that the controller did not answer.
type UnreachableError struct {
	Program string
	Msg     string // what the program said
}

// Error says what the program said.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the controller of the Slurm cluster cannot be reached: %s: %s", e.Program, e.Msg)
}

// Hints says what to look at.
func (e *UnreachableError) Hints() []string {
	return []string{"\"scontrol ping\" says whether it is up; jobs that were submitted go on without it, and \"xt jobs attach\" follows them again"}
}

// Error is what a program of Slurm refused.
type Error struct {
	Program string
	Msg     string // what it said
}

// Error says what the program said.
func (e *Error) Error() string { return e.Program + ": " + e.Msg }

// maxOutput bounds what a program of Slurm may print, in bytes: some hundred
// thousand jobs.
const maxOutput = 64 << 20

// atOnce bounds how many jobs a program is told of, by what a command line holds.
const atOnce = 500

// run calls a program, again for as long as the controller cannot be reached.
func (c *Client) run(ctx context.Context, stdin string, name string, args ...string) (string, error) {
	return c.patiently(ctx, func() (string, error) { return once(ctx, stdin, name, args...) })
}

// patiently calls a function, again for as long as the controller cannot be reached.
func (c *Client) patiently(ctx context.Context, call func() (string, error)) (string, error) {
	var down *UnreachableError
	begin, told := time.Now(), false
	for tries := 1; ; tries++ {
		out, err := call()
		if !errors.As(err, &down) {
			if told && c.Log != nil {
				c.Log("the controller of the Slurm cluster answers again")
			}
			return out, err
		}
		if c.Patience > 0 && time.Since(begin) >= c.Patience {
			return "", err
		}
		if !told && c.Log != nil {
			c.Log(err.Error() + "; it is tried again")
		}
		told = true
		if backoff.Sleep(ctx, backoff.Pause(tries, time.Second, 15*time.Second)) != nil {
			return "", err
		}
	}
}

// once calls a program.
func once(ctx context.Context, stdin string, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &MissingError{name}
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	cmd.Stdin = strings.NewReader(stdin)
	out, trouble := &limited{left: maxOutput}, &limited{left: 64 << 10}
	cmd.Stdout, cmd.Stderr = out, trouble
	err = cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if out.left == 0 {
		return "", &Error{name, fmt.Sprintf("it printed more than %d MiB", maxOutput>>20)}
	}
	if err == nil {
		return out.String(), nil
	}
	msg := said(trouble.String())
	if msg == "" {
		msg = err.Error()
	}
	if unreachable(msg) {
		return "", &UnreachableError{name, msg}
	}
	return "", &Error{name, msg}
}

// limited keeps the beginning of what is written to it.
type limited struct {
	bytes.Buffer
	left int
}

// Write implements [io.Writer]. It takes everything and keeps what there is room for.
func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	l.Buffer.Write(b[:n])
	return len(b), nil
}

var _ io.Writer = (*limited)(nil)

// said makes one line of what a program wrote to standard error, without the name of
// the program that each of them begins with.
func said(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		_, rest, found := strings.Cut(line, ": error: ")
		if found {
			line = rest
		}
		if line != "" && !strings.HasPrefix(line, `Try "`) && len(lines) < 5 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// unreachable reports whether an error is that of a controller that is down, starting
// or too busy to answer, rather than an answer.
func unreachable(msg string) bool {
	for _, sign := range []string{
		"Unable to contact slurm controller", "Socket timed out", "Connection refused", "Connection reset", "Connection timed out",
		"Zero Bytes were transmitted or received", "Unexpected message received", "Slurm backup controller in standby", "temporarily unable to accept job",
		"slurm_persist_conn_open", "No route to host", "Network is unreachable", "Transport endpoint is not connected", "Communication connection failure",
		"Message send failure", "Message receive failure", "Protocol authentication error", "Could not establish a configuration source",
	} {
		if strings.Contains(msg, sign) {
			return true
		}
	}
	return false
}
