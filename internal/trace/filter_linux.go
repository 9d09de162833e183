//go:build amd64 || arm64

package trace

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data. Both architectures are little-endian.
const (
	dataNr   = 0
	dataArch = 4
	dataIP   = 8
	dataArgs = 16
)

const (
	bpfLoad   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	bpfEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	bpfAny    = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	bpfReturn = unix.BPF_RET | unix.BPF_K

	allow  = 0x7fff0000 // SECCOMP_RET_ALLOW
	notify = unix.SECCOMP_RET_USER_NOTIF
)

// filter returns the program that the kernel runs on each system call: it lets
// all pass but those of traced. What a child calls before it is the command passes,
// too, if it comes from the instruction at ip: see Start.
func filter(traced []call, ip uint64) []unix.SockFilter {
	foreign := []unix.SockFilter{{Code: bpfLoad, K: dataNr}}
	for _, nr := range foreignOpens {
		foreign = append(foreign, unix.SockFilter{Code: bpfEqual, Jf: 1, K: nr},
			unix.SockFilter{Code: bpfReturn, K: notify})
	}
	foreign = append(foreign, unix.SockFilter{Code: bpfReturn, K: allow})
	prog := []unix.SockFilter{
		{Code: bpfLoad, K: dataArch},
		{Code: bpfEqual, Jt: uint8(len(foreign)), K: nativeArch},
	}
	prog = append(prog, foreign...)
	prog = append(prog, unix.SockFilter{Code: bpfLoad, K: dataNr})
	for _, c := range traced {
		body := []unix.SockFilter{{Code: bpfReturn, K: notify}}
		switch {
		case c.nr == unix.SYS_EXECVE || c.nr == unix.SYS_CHDIR:
			body = unlessFrom(ip)
		case c.emptyIgnore:
			body = unlessEmpty(c.flags)
		}
		prog = append(prog, unix.SockFilter{Code: bpfEqual, Jf: uint8(len(body)), K: c.nr})
		prog = append(prog, body...)
	}
	return append(prog, unix.SockFilter{Code: bpfReturn, K: allow})
}

// unlessFrom notifies of a call unless it comes from an instruction.
func unlessFrom(ip uint64) []unix.SockFilter {
	return []unix.SockFilter{
		{Code: bpfLoad, K: dataIP},
		{Code: bpfEqual, Jf: 3, K: uint32(ip)},
		{Code: bpfLoad, K: dataIP + 4},
		{Code: bpfEqual, Jf: 1, K: uint32(ip >> 32)},
		{Code: bpfReturn, K: allow},
		{Code: bpfReturn, K: notify},
	}
}

// unlessEmpty notifies of a call unless AT_EMPTY_PATH is among its flags. The path
// is out of the program's reach, but it is empty then: the C library makes fstat,
// which follows each open, of such a call.
func unlessEmpty(flags int8) []unix.SockFilter {
	return []unix.SockFilter{
		{Code: bpfLoad, K: dataArgs + 8*uint32(flags)},
		{Code: bpfAny, Jf: 1, K: unix.AT_EMPTY_PATH},
		{Code: bpfReturn, K: allow},
		{Code: bpfReturn, K: notify},
	}
}

// install puts the calling thread, and what it starts, under the filter and returns
// the descriptor that notifications come from. There is no way to undo that.
func install(prog []unix.SockFilter) (listener int, err error) {
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	// Without SPEC_ALLOW, kernels before 5.16 slow down all that the command does.
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW |
		unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
	for {
		fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&fprog)))
		runtime.KeepAlive(prog)
		switch {
		case errno == 0:
			return int(fd), nil
		case errno == unix.EINVAL && flags&unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV != 0: // before 5.19
			flags &^= unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
		case errno == unix.EACCES && !noNewPrivs():
			// Only then, for setuid programs to work where they can.
			if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
				return 0, fmt.Errorf("set no_new_privs: %w", err)
			}
		default:
			return 0, explain(errno)
		}
	}
}

func noNewPrivs() bool {
	is, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && is == 1
}

// explain says why the kernel does not take the filter.
func explain(errno unix.Errno) error {
	switch {
	case errno == unix.EBUSY:
		return errors.New("this process already runs under a seccomp listener, of a container runtime or another trace, and Linux allows only one")
	case errno == unix.EINVAL || errno == unix.ENOSYS:
		return fmt.Errorf("%w: it needs seccomp user notification, of Linux 5.5 or newer", ErrUnsupported)
	case errno == unix.EPERM || errno == unix.EACCES:
		return fmt.Errorf("a sandbox around this process forbids to install a seccomp filter: %w", errno)
	}
	return fmt.Errorf("install a seccomp filter: %w", errno)
}
