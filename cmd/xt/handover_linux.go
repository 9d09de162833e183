package main

import (
	"os/exec"
	"syscall"
)

// detach makes a command live on when xt and its terminal have gone.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
