//go:build amd64 || arm64

package trace

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// keeperName is the argument zero that tells a keeper.
const keeperName = "xt: answers processes that a traced command left behind"

// keeperListener is the descriptor that a keeper finds the listener at.
const keeperListener = 3

// Shim is for main to call first. In a process that Finish made of Options.Keeper it
// does not return, and exits when the processes left behind have ended.
func Shim() {
	if len(os.Args) != 1 || os.Args[0] != keeperName {
		return
	}
	var n notification
	for {
		if err := receive(keeperListener, &n); err != nil {
			os.Exit(0)
		}
		if _, err := proceed(keeperListener, n.id); err != nil {
			os.Exit(1)
		}
	}
}

// keep starts a keeper, in a session of its own that no terminal interrupts.
func (t *Tracer) keep() error {
	fd, err := t.duplicate()
	if err != nil || fd < 0 {
		return err
	}
	f := os.NewFile(uintptr(fd), "seccomp listener")
	defer f.Close()
	cmd := exec.Command(t.options.Keeper)
	cmd.Args = []string{keeperName}
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{f}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", t.options.Keeper, err)
	}
	go func() { _ = cmd.Wait() }() // leaves no zombie
	return nil
}

// duplicate returns another descriptor of the listener; -1 if it was closed, since
// the last process ended meanwhile.
func (t *Tracer) duplicate() (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.closed:
		return -1, nil
	default:
	}
	fd, err := unix.FcntlInt(uintptr(t.listener), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("duplicate the listener: %w", err)
	}
	return fd, nil
}
