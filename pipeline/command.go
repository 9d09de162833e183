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
)

// grace is how long a command may take to end after it was asked to.
const grace = 10 * time.Second

// command runs a stage's command once, below the directory root, in a process
// group of its own, and keeps what it writes. Every way out leaves no process of the group behind.
func (w *Workspace) command(ctx context.Context, s *Stage, root string, env []string, res *Result, rep Reporter) error {
	rec, err := w.newRecord(s)
	if err != nil {
		return err
	}
	defer rec.Close()
	res.Log = rec.logPath()
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.Timeout, errTimeout)
		defer cancel()
	}
	stdout, stderr, end := rep.Output(s)
	tail := new(tailBuffer)
	cmd := exec.Command(s.Shell[0], append(s.Shell[1:len(s.Shell):len(s.Shell)], s.Cmd)...)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(s.Wdir))
	cmd.Env = env
	// One writer for both would keep their order, but not which is which.
	kept := io.MultiWriter(rec, tail)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(kept, stdout), io.MultiWriter(kept, stderr)
	begin := time.Now()
	err = runGroup(ctx, cmd, w.Hurry, w.noteGroup)
	end()
	res.Duration, res.Memory = time.Since(begin), peakMemory(cmd.ProcessState)
	err = w.explain(ctx, s, cmd, err, tail, rec.logPath())
	return errors.Join(err, rec.finish(res, err))
}

var errTimeout = errors.New("timed out")

// explain turns the end of a command into a [*StageError], or nil.
func (w *Workspace) explain(ctx context.Context, s *Stage, cmd *exec.Cmd, err error, tail *tailBuffer, log string) error {
	if err == nil {
		return nil
	}
	e := &StageError{Stage: s, ExitCode: -1, What: err.Error(), Log: log, Tail: lastLines(tail.bytes(), 20)}
	var exit *exec.ExitError
	switch {
	case context.Cause(ctx) == errTimeout:
		e.What = "timed out after " + term.Duration(s.Timeout)
	case ctx.Err() != nil:
		e.What = "interrupted"
	case errors.As(err, &exit):
		e.ExitCode = exit.ExitCode()
	case errors.Is(err, exec.ErrNotFound):
		e.What = fmt.Sprintf("there is no %s to run it with", s.Shell[0])
	case errors.Is(err, os.ErrNotExist):
		e.What = fmt.Sprintf("its working directory %s does not exist", s.Wdir)
	}
	if e.ExitCode == 127 && strings.HasPrefix(filepath.Base(s.Shell[0]), "sh") {
		e.What += " (a command was not found)"
	}
	return e
}

// runGroup starts cmd as the leader of a process group and waits for it. When
// ctx ends the group is interrupted, and killed if it has not ended after the
// grace time or when hurry is closed. Whatever is left of the group when the leader ends is killed.
func runGroup(ctx context.Context, cmd *exec.Cmd, hurry <-chan struct{}, note func(pgid int) (forget func())) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	setGroup(cmd)
	// A process that the command left behind may hold the pipes open.
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
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
	return err
}

// endGroup ends the group when ctx ends first.
func endGroup(ctx context.Context, cmd *exec.Cmd, ended, hurry <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	interruptGroup(cmd)
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
