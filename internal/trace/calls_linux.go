//go:build amd64 || arm64

package trace

import "golang.org/x/sys/unix"

// op is what a system call does with the path it names.
type op uint8

const (
	opOpen     op = iota // flags tell for what
	opOpenHow            // as opOpen, flags in a struct
	opCreat              // as opOpen, flags fixed
	opExec               //
	opStat               // only asks, and follows a link at the end unless flags say no
	opLstat              // only asks
	opReadlink           //
	opMake               // makes something that must not be there
	opMakeDir            //
	opRemove             //
	opRename             //
	opLink               //
	opTruncate           //
	opRing               // sets up io_uring; names no path
)

// none marks an argument that a call does not have.
const none = -1

// call says where a system call has its arguments.
type call struct {
	nr          uint32
	op          op
	at, path    int8 // directory's descriptor (none: relative to the working directory), and path
	flags       int8
	at2, path2  int8 // of the second path, of calls that have one
	emptyIgnore bool // with AT_EMPTY_PATH among flags it concerns a descriptor
}

// calls are the system calls that are traced: those of both architectures, and
// those that only older ones have.
var calls = append([]call{
	{nr: unix.SYS_OPENAT, op: opOpen, at: 0, path: 1, flags: 2},
	{nr: unix.SYS_OPENAT2, op: opOpenHow, at: 0, path: 1, flags: 2},
	{nr: unix.SYS_EXECVE, op: opExec, at: none, path: 0, flags: none},
	{nr: unix.SYS_EXECVEAT, op: opExec, at: 0, path: 1, flags: 4},
	{nr: sysNewfstatat, op: opStat, at: 0, path: 1, flags: 3, emptyIgnore: true},
	{nr: unix.SYS_STATX, op: opStat, at: 0, path: 1, flags: 2, emptyIgnore: true},
	{nr: unix.SYS_FACCESSAT, op: opStat, at: 0, path: 1, flags: none},
	{nr: unix.SYS_FACCESSAT2, op: opStat, at: 0, path: 1, flags: 3, emptyIgnore: true},
	{nr: unix.SYS_STATFS, op: opStat, at: none, path: 0, flags: none},
	{nr: unix.SYS_CHDIR, op: opStat, at: none, path: 0, flags: none},
	{nr: unix.SYS_READLINKAT, op: opReadlink, at: 0, path: 1, flags: none},
	{nr: unix.SYS_MKDIRAT, op: opMakeDir, at: 0, path: 1, flags: none},
	{nr: unix.SYS_MKNODAT, op: opMake, at: 0, path: 1, flags: none},
	{nr: unix.SYS_SYMLINKAT, op: opMake, at: 1, path: 2, flags: none},
	{nr: unix.SYS_UNLINKAT, op: opRemove, at: 0, path: 1, flags: none},
	{nr: unix.SYS_RENAMEAT, op: opRename, at: 0, path: 1, flags: none, at2: 2, path2: 3},
	{nr: unix.SYS_RENAMEAT2, op: opRename, at: 0, path: 1, flags: 4, at2: 2, path2: 3},
	{nr: unix.SYS_LINKAT, op: opLink, at: 0, path: 1, flags: 4, at2: 2, path2: 3},
	{nr: unix.SYS_TRUNCATE, op: opTruncate, at: none, path: 0, flags: none},
	{nr: unix.SYS_IO_URING_SETUP, op: opRing},
}, oldCalls...)

// callOf returns the call with a number.
func callOf(nr uint32) (call, bool) {
	for _, c := range calls {
		if c.nr == nr {
			return c, true
		}
	}
	return call{}, false
}
