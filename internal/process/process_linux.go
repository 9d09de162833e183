package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// WithVariable returns the processes other than this one that have a variable, as
// "NAME=value", in their environment, of those of which among is true; nil stands
// for all. The environment of one that has ended, but was not waited for, is empty.
func WithVariable(variable string, among func(pid int) bool) []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || among != nil && !among(pid) {
			continue
		}
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
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

// started returns when a process was started, in ticks since the boot.
func started(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name of the program, in brackets, may hold anything.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	const at = 19 // field 22 of proc(5)
	if len(fields) <= at || string(fields[0]) == "Z" {
		return ""
	}
	return string(fields[at])
}
