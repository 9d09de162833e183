// Package trace records which files the processes of a command open, miss,
// execute, write, create, rename or delete, on Linux.
//
// It uses seccomp's user notification: the kernel holds a process at a system
// call that names a file, the tracer reads the name from the process's memory and
// lets the kernel go on with the call. Processes that the command starts are
// traced too, statically linked ones included, and no privileges are needed. The
// command is started as without tracing: same arguments, environment, open files,
// exit status and signals.
//
// What a call asks for is judged as it begins, not by its result: a file that is
// there but may not be read counts as read.
//
// Not seen are what io_uring and 32-bit programs open (Report.Blind says that
// there were some), the loader that the kernel maps with a program, changes of
// modes and times, and the sockets that bind(2) makes.
//
// The command does behave differently in these:
//   - Without CAP_SYS_ADMIN it runs under no_new_privs: setuid programs, and
//     programs with file capabilities, do not gain privileges.
//   - It cannot make a seccomp listener of its own. Where one is there already, of
//     a container's runtime or another trace, Available says so.
//   - A signal with a handler that was set without SA_RESTART can interrupt an
//     open with EINTR, in the moments until the tracer has taken note of it.
//   - A process that outlives this one gets ENOSYS from the calls that are traced,
//     unless Options.Keeper is given.
package trace

import "errors"

// ErrUnsupported is within the error of Available where the operating system or
// its kernel has no means to trace a command.
var ErrUnsupported = errors.New("tracing of files is not supported here")

// Access is what a command did with one path.
type Access struct {
	// Path is absolute and clean. A relative name is joined to the directory it is
	// relative to as the kernel knows it, without symbolic links; other symbolic
	// links in it are as the process named them. It need not be UTF-8. In another
	// root or mount namespace it is as the process sees it.
	Path string

	Read    bool // opened for reading when something was there, or a symbolic link read
	Write   bool // opened for writing, created, truncated, renamed to or from, or deleted
	Created bool // nothing was there before it was first written
	Missing bool // asked for when nothing was there
	Exec    bool // executed, or the interpreter in the first line of a script that was
	Dir     bool // it was a directory when it was opened, made or removed
}

// Report is what a command did with files.
type Report struct {
	Accesses []Access // by path, each once
	Cut      bool     // there were more paths than Options.Max
	Alive    bool     // processes were left; what they do later is not in here
	Blind    []string // why accesses may be missing, as phrases to show; sorted
}

// Options of Start. The zero value is usable.
type Options struct {
	// Max is how many distinct paths are kept; one million if zero.
	Max int

	// Keeper is an executable whose main calls Shim first, usually
	// /proc/self/exe. If the command leaves processes behind, it is started so
	// that they can still open files when this process has ended.
	Keeper string
}
