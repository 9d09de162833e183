//go:build amd64 || arm64

package trace

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Available reports why commands cannot be traced here; nil if they can.
func Available() error {
	_, err := probe()
	return err
}

// Start starts cmd, as cmd.Start does and with its errors, and traces it. The
// caller waits for cmd as usual, and then calls Finish. Pdeathsig cannot be set.
//
// A filter belongs to a thread and to what the thread starts. So a thread is given
// the filter, starts the command and is thrown away; the rest of this process is
// not concerned. While the thread has forked and the child has not executed the
// command, the Go scheduler may wait for the thread, and a goroutine that would
// have to answer the child might not run. Therefore the chdir and execve that this
// process's own code makes are not notified, which the kernel can tell by the
// address of the instruction, and the command is entered here.
func Start(cmd *exec.Cmd, o Options) (*Tracer, error) {
	if cmd.SysProcAttr != nil && cmd.SysProcAttr.Pdeathsig != 0 {
		return nil, errors.New("trace: a command with Pdeathsig cannot be traced")
	}
	ip, err := probe()
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t := newTracer(o)
	started := make(chan error, 1)
	onThread(func() { started <- t.start(cmd, ip) })
	if err := <-started; err != nil {
		return nil, err
	}
	t.enterCommand(cmd)
	return t, nil
}

// start runs on the thread that is thrown away.
func (t *Tracer) start(cmd *exec.Cmd, ip uint64) error {
	listener, err := install(filter(calls, ip))
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	wakeFast(listener)
	t.listener = listener
	t.starter.Store(uint32(unix.Gettid()))
	defer t.starter.Store(0) // the number may become a thread's of the command
	t.serve()
	return cmd.Start()
}

// enterCommand enters the program that was started.
func (t *Tracer) enterCommand(cmd *exec.Cmd) {
	name := cmd.Path
	if !filepath.IsAbs(name) {
		if abs, err := filepath.Abs(filepath.Join(cmd.Dir, name)); err == nil {
			name = abs
		}
	}
	d := decoder{n: &notification{tid: uint32(unix.Getpid())}}
	if p, err := resolve(unix.Getpid(), unix.AT_FDCWD, name, false); err == nil {
		d.exec(p, true, 4)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enter(d.found)
}

// onThread runs f in a thread of its own that ends with f.
func onThread(f func()) {
	thread := func() {
		runtime.LockOSThread() // and not unlocked, which ends the thread
		f()
	}
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			thread()
			return
		}
		// The main thread would not end. Held until the end, it cannot be taken.
		defer runtime.UnlockOSThread()
		done := make(chan struct{})
		go func() {
			defer close(done)
			thread()
		}()
		<-done
	}()
}

// probeTime is how long an answer of the kernel, which takes microseconds, is
// waited for.
const probeTime = 10 * time.Second

// probe tries whether a call can be traced, and returns the address of the
// instruction that this process makes system calls with.
var probe = sync.OnceValues(func() (ip uint64, err error) {
	listeners, failed := make(chan int, 1), make(chan error, 2)
	name := []byte("/\x00")
	onThread(func() {
		asked := call{nr: unix.SYS_FACCESSAT}
		listener, err := install(filter([]call{asked}, 0))
		if err != nil {
			failed <- err
			return
		}
		listeners <- listener
		at := unix.AT_FDCWD
		_, _, errno := unix.Syscall(unix.SYS_FACCESSAT, uintptr(at), uintptr(unsafe.Pointer(&name[0])), unix.F_OK)
		if errno != 0 {
			failed <- fmt.Errorf("the kernel does not go on with a traced call: %w", errno)
			return
		}
		failed <- nil
	})
	select {
	case err := <-failed:
		return 0, err
	case listener := <-listeners:
		ip, err := probeAnswer(listener)
		// Closed before the result is waited for: it fails the call if it is held.
		unix.Close(listener)
		if err != nil {
			return 0, err
		}
		return ip, <-failed
	}
})

// probeAnswer lets one call pass.
func probeAnswer(listener int) (ip uint64, err error) {
	fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(probeTime.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%w: no notification of a system call came", ErrUnsupported)
		}
		break
	}
	var n notification
	if err := receive(listener, &n); err != nil {
		return 0, fmt.Errorf("%w: receive a notification: %w", ErrUnsupported, err)
	}
	var buf [unix.PathMax]byte
	if name, err := readString(int(n.tid), n.args[1], buf[:]); err != nil || name != "/" {
		return 0, fmt.Errorf("a sandbox around this process forbids to read the memory of processes: %w", err)
	}
	if ok, err := proceed(listener, n.id); !ok {
		return 0, fmt.Errorf("%w: it needs Linux 5.5 or newer: %w", ErrUnsupported, err)
	}
	return n.ip, nil
}
