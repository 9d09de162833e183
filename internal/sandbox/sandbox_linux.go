package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Available reports why commands cannot be run in namespaces here; nil if they
// can. Containers and some distributions forbid them to ordinary users. The first
// call tries it, which takes as long as this program takes to start.
func Available() error {
	if !shimmed.Load() {
		return fmt.Errorf("%w: main does not call sandbox.Shim", ErrUnavailable)
	}
	return try()
}

var try = sync.OnceValue(func() error {
	dir := os.TempDir()
	cmd := exec.Command("/bin/true")
	if err := Wrap(cmd, Options{Hostname: "xt", Binds: []Bind{{From: dir, To: dir, ReadOnly: true}}}); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %v %s", ErrUnavailable, err, out)
	}
	return nil
})

// Wrap changes a command that has not been started so that it runs in namespaces
// of its own. Its process keeps its number, its user, and what it inherits.
func Wrap(cmd *exec.Cmd, opts Options) error {
	if cmd.Err != nil {
		return cmd.Err
	}
	outside, err := os.Readlink(mountNamespace)
	if err != nil {
		return err
	}
	b, err := json.Marshal(plan{Options: opts, Outside: outside, Dir: cmd.Dir, Path: cmd.Path, Args: cmd.Args})
	if err != nil {
		return err
	}
	cmd.Path, cmd.Args, cmd.Dir = "/proc/self/exe", []string{shimName, string(b)}, "/"
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	attr := cmd.SysProcAttr
	attr.Cloneflags |= syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		// The user stays who it is, and may mount in its own namespace.
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
	}
	return nil
}

const mountNamespace = "/proc/self/ns/mnt"

// become sets the namespaces up and executes the command.
func (p *plan) become() error {
	// If whoever starts the command has changed its attributes since Wrap, this is
	// the namespace of everybody else: nothing may be mounted here.
	if here, err := os.Readlink(mountNamespace); err != nil || here == p.Outside {
		return fmt.Errorf("%w: the process is still in those of its parent (%v)", ErrUnavailable, err)
	}
	// What is mounted here must not show outside.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, b := range p.Binds {
		if err := b.mount(); err != nil {
			return err
		}
	}
	if p.Hostname != "" {
		if err := unix.Sethostname([]byte(p.Hostname)); err != nil {
			return fmt.Errorf("set the host name: %w", err)
		}
	}
	if os.Geteuid() != 0 {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
			return fmt.Errorf("drop capabilities: %w", err)
		}
	}
	if p.Dir != "" {
		if err := os.Chdir(p.Dir); err != nil {
			return err
		}
	}
	return unix.Exec(p.Path, p.Args, os.Environ())
}

func (b *Bind) mount() error {
	if err := unix.Mount(b.From, b.To, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("put %s to %s: %w", b.From, b.To, err)
	}
	if !b.ReadOnly {
		return nil
	}
	// A user namespace must keep the flags that the file system has.
	var st unix.Statfs_t
	if err := unix.Statfs(b.To, &st); err != nil {
		return err
	}
	flags := uintptr(unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY)
	for _, f := range []struct{ st, ms uintptr }{{unix.ST_NOSUID, unix.MS_NOSUID}, {unix.ST_NODEV, unix.MS_NODEV}, {unix.ST_NOEXEC, unix.MS_NOEXEC}, {unix.ST_NOATIME, unix.MS_NOATIME}, {unix.ST_NODIRATIME, unix.MS_NODIRATIME}, {unix.ST_RELATIME, unix.MS_RELATIME}} {
		if uintptr(st.Flags)&f.st != 0 {
			flags |= f.ms
		}
	}
	if err := unix.Mount("", b.To, "", flags, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", b.To, err)
	}
	return nil
}
