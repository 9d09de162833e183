package testserver

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// freeze stops a process until it is killed.
func freeze(pid int) { _ = syscall.Kill(pid, syscall.SIGSTOP) }

// descendants returns the processes that a process has started, and theirs.
// Those of sshd are in sessions of their own.
func descendants(pid int) []int {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	var all []int
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}
