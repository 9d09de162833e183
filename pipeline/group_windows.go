package pipeline

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

func setGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func interruptGroup(cmd *exec.Cmd) { killGroup(cmd) }

func terminateGroup(cmd *exec.Cmd) { killGroup(cmd) }

// killGroup ends the command and its descendants while the command lives.
func killGroup(cmd *exec.Cmd) {
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
}

func peakMemory(*os.ProcessState) int64 { return 0 }
