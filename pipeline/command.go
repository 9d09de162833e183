package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/internal/trace"
)

// grace is how long a command may take to end after it was asked to.
const grace = 10 * time.Second

// command runs the stage's command once, in a process group of its own, and writes
// its output to log as well. Every way out leaves no process of the group behind.
func (e *execution) command(ctx context.Context, log io.Writer) error {
	s, res := e.step.Stage, e.res
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.Timeout, errTimeout)
		defer cancel()
	}
	env, err := e.startCalls(ctx)
	if err != nil {
		return err
	}
	stdout, stderr, end := e.rep.Output(s)
	tail := new(tailBuffer)
	cmd := exec.Command(s.Shell[0], append(s.Shell[1:len(s.Shell):len(s.Shell)], s.Cmd)...)
	cmd.Dir = filepath.Join(e.root, filepath.FromSlash(s.Wdir))
	cmd.Env = env
	// One writer for both would keep their order, but not which is which.
	kept := io.MultiWriter(log, tail)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(kept, stdout), io.MultiWriter(kept, stderr)
	if e.room != nil {
		if err := e.room.enclose(cmd, env); err != nil {
			e.endCalls(err)
			return err
		}
	}
	begin := time.Now()
	err = e.run(ctx, cmd)
	e.endCalls(err)
	end()
	res.Ended = time.Now()
	res.Duration, res.Memory = res.Ended.Sub(begin), peakMemory(cmd.ProcessState)
	if err != nil {
		err = &StageError{Stage: s, ExitCode: exitCode(err), What: explain(ctx, s, err), Tail: lastLines(tail.bytes(), 20), Log: res.Log}
	}
	return e.callsError(err)
}

// run runs the command and, where that is wanted and can be done, records which
// files its processes open.
func (e *execution) run(ctx context.Context, cmd *exec.Cmd) error {
	if !e.traced || trace.Available() != nil {
		return runGroup(ctx, cmd, cmd.Start, e.w.Hurry, e.w.noteGroup)
	}
	var t *trace.Tracer
	err := runGroup(ctx, cmd, func() (err error) {
		t, err = trace.Start(cmd, trace.Options{})
		return err
	}, e.w.Hurry, e.w.noteGroup)
	if t != nil {
		report := t.Finish()
		e.res.Seen = (&sorter{w: e.w, s: e.step.Stage, room: e.room}).sort(&report)
	}
	return err
}

var errTimeout = errors.New("timed out")

// ErrUnwanted says, as the cause for which a context ended, that what the command
// does is not wanted any more: it is asked to terminate, and not interrupted.
var ErrUnwanted = errors.New("its result is not wanted any more")

// exitCode returns the exit code of a command; -1 if a signal ended it, or it
// never started.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// explain says how a command failed.
func explain(ctx context.Context, s *Stage, err error) string {
	switch {
	case context.Cause(ctx) == errTimeout:
		return "timed out after " + term.Duration(s.Timeout)
	case ctx.Err() != nil:
		return "interrupted"
	case exitCode(err) == 127 && strings.HasPrefix(filepath.Base(s.Shell[0]), "sh"):
		return err.Error() + " (a command was not found)"
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Sprintf("there is no %s to run it with", s.Shell[0])
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("its working directory %s does not exist", s.Wdir)
	}
	return err.Error()
}

// runGroup starts cmd, with start, as the leader of a process group and waits for it. When
// ctx ends the group is interrupted, and killed if it has not ended after the
// grace time or when hurry is closed. Whatever is left of the group when the
// leader ends is killed.
func runGroup(ctx context.Context, cmd *exec.Cmd, start func() error, hurry <-chan struct{}, note func(pgid int) (forget func())) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	setGroup(cmd)
	// A process that the command left behind may hold the pipes open.
	cmd.WaitDelay = 2 * time.Second
	if err := start(); err != nil {
		return err
	}
	forget := note(cmd.Process.Pid)
	defer forget()
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { endGroup(ctx, cmd, ended, hurry) })
	err := cmd.Wait()
	close(ended)
	wg.Wait()
	killGroup(cmd)
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the command itself succeeded
	}
	if err == nil && ctx.Err() != nil {
		err = ctx.Err() // one that ends well when it is told to has not done all of its work
	}
	return err
}

// endGroup ends the group when ctx ends first.
func endGroup(ctx context.Context, cmd *exec.Cmd, ended, hurry <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	if errors.Is(context.Cause(ctx), ErrUnwanted) {
		terminateGroup(cmd)
	} else {
		interruptGroup(cmd)
	}
	select {
	case <-ended:
	case <-hurry:
		killGroup(cmd)
	case <-time.After(grace):
		killGroup(cmd)
	}
}

// tailBuffer keeps the last part of what is written to it.
type tailBuffer struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 16 << 10

func (t *tailBuffer) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b[max(0, len(b)-tailSize):]...)
	if len(t.buf) > 2*tailSize {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailSize:]...)
	}
	return len(b), nil
}

func (t *tailBuffer) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf
}

// lastLines returns the end of what a command wrote.
func lastLines(b []byte, n int) string {
	text := strings.TrimRight(string(b), "\n")
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '\n' {
			if n--; n == 0 {
				return text[i+1:]
			}
		}
	}
	return text
}
