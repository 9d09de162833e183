package pipeline

import (
	"syscall"
	"time"

	"github.com/xtrepro/xt/internal/process"
)

// killOrphans kills the processes of a group that have the variable in their
// environment: the number alone may belong to others by now. It waits until they
// are gone and reports whether there were any.
func killOrphans(pgid int, variable string) bool {
	killed := false
	for range 200 {
		pids := orphans(pgid, variable)
		if len(pids) == 0 {
			return killed
		}
		for _, pid := range pids {
			killed = syscall.Kill(pid, syscall.SIGKILL) == nil || killed
		}
		time.Sleep(10 * time.Millisecond)
	}
	return killed
}

func orphans(pgid int, variable string) []int {
	return process.WithVariable(variable, func(pid int) bool {
		group, err := syscall.Getpgid(pid)
		return err == nil && group == pgid
	})
}
