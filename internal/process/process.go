// Package process names processes so that another one with the same number is not
// taken for them.
package process

import (
	"os"
	"strconv"
	"strings"
)

// Self returns the name of this process on this machine: its number and, where the
// system tells, when it was started.
func Self() string { return name(os.Getpid()) }

func name(pid int) string { return strings.TrimSpace(strconv.Itoa(pid) + " " + started(pid)) }

// Alive reports whether the process that has a name, of [Self], is still there.
func Alive(text string) bool {
	number, _, _ := strings.Cut(text, " ")
	pid, err := strconv.Atoi(number)
	return err == nil && pid > 0 && exists(pid) && name(pid) == text
}
