package process

import (
	"bytes"
	"fmt"
	"os"
)

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
