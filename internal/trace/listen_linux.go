//go:build amd64 || arm64

package trace

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// notification is struct seccomp_notif: a thread is held at a system call.
type notification struct {
	id    uint64
	tid   uint32 // 0 in a PID namespace that this process does not see
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// response is struct seccomp_notif_resp.
type response struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// errNobody says that no thread is left under the filter.
var errNobody = errors.New("no process is left")

// receive waits for a notification. Only one goroutine may be in it: of two that
// poll awakes one would wait in the call below it, and may not learn there that the
// last thread ended.
func receive(listener int, n *notification) error {
	for {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return err
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			return errNobody
		}
		*n = notification{} // the kernel insists on zeros
		errno := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(n))
		switch errno {
		case 0:
			return nil
		case unix.ENOENT, unix.EINTR: // the thread was killed, or interrupted by a signal
		default:
			return errno
		}
	}
}

// proceed lets the kernel go on with a call. It reports false if the thread is not
// held at it any more, so that what was read meanwhile may be of another one.
func proceed(listener int, id uint64) (bool, error) {
	resp := response{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	for {
		switch errno := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&resp)); errno {
		case 0:
			return true, nil
		case unix.ENOENT:
			return false, nil
		case unix.EINTR:
		default:
			return false, errno
		}
	}
}

// wakeFast asks the kernel to switch between tracer and thread without a detour
// over another processor, which Linux 6.6 can.
func wakeFast(listener int) {
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return errno
}
