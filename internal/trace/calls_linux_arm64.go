package trace

import "golang.org/x/sys/unix"

const (
	sysNewfstatat = unix.SYS_FSTATAT
	nativeArch    = unix.AUDIT_ARCH_AARCH64
)

// foreignOpens are the numbers of open and openat in 32-bit programs.
var foreignOpens = []uint32{5, 322}

// oldCalls is empty: the architecture began with the calls that take a directory.
var oldCalls []call

// untag returns the address in a pointer, whose upper byte is the program's.
func untag(addr uint64) uint64 { return addr &^ (0xff << 56) }
