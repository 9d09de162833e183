package pipeline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
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
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if group, err := syscall.Getpgid(pid); err != nil || group != pgid {
			continue
		}
		// The environment of one that has ended, but was not waited for, is empty.
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && hasVariable(env, variable) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func hasVariable(env []byte, variable string) bool {
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if string(kv) == variable {
			return true
		}
	}
	return false
}
