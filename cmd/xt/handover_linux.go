package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// anyWithVariable reports whether a process other than this one has a variable, as
// "NAME=value", in its environment.
func anyWithVariable(variable string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	own := fmt.Sprintf("/proc/%d/environ", os.Getpid())
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err != nil || file == own {
			continue // it has ended, or is another user's
		}
		for kv := range bytes.SplitSeq(env, []byte{0}) {
			if string(kv) == variable {
				return true
			}
		}
	}
	return false
}

// detach makes a command live on when xt and its terminal have gone.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
