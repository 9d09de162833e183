package trace

import "golang.org/x/sys/unix"

const (
	sysNewfstatat = unix.SYS_NEWFSTATAT
	nativeArch    = unix.AUDIT_ARCH_X86_64
)

// foreignOpens are the numbers of open and openat in 32-bit programs.
var foreignOpens = []uint32{5, 295}

// oldCalls are relative to the working directory only.
var oldCalls = []call{
	{nr: unix.SYS_OPEN, op: opOpen, at: none, path: 0, flags: 1},
	{nr: unix.SYS_CREAT, op: opCreat, at: none, path: 0, flags: none},
	{nr: unix.SYS_STAT, op: opStat, at: none, path: 0, flags: none},
	{nr: unix.SYS_LSTAT, op: opLstat, at: none, path: 0, flags: none},
	{nr: unix.SYS_ACCESS, op: opStat, at: none, path: 0, flags: none},
	{nr: unix.SYS_READLINK, op: opReadlink, at: none, path: 0, flags: none},
	{nr: unix.SYS_MKDIR, op: opMakeDir, at: none, path: 0, flags: none},
	{nr: unix.SYS_MKNOD, op: opMake, at: none, path: 0, flags: none},
	{nr: unix.SYS_SYMLINK, op: opMake, at: none, path: 1, flags: none},
	{nr: unix.SYS_UNLINK, op: opRemove, at: none, path: 0, flags: none},
	{nr: unix.SYS_RMDIR, op: opRemove, at: none, path: 0, flags: none},
	{nr: unix.SYS_RENAME, op: opRename, at: none, path: 0, flags: none, at2: none, path2: 1},
	{nr: unix.SYS_LINK, op: opLink, at: none, path: 0, flags: none, at2: none, path2: 1},
}

// untag returns the address in a pointer.
func untag(addr uint64) uint64 { return addr }
