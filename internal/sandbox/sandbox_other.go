//go:build !linux

package sandbox

import (
	"fmt"
	"os/exec"
	"runtime"
)

// Available reports why commands cannot be run in namespaces here.
func Available() error { return fmt.Errorf("%w on %s", ErrUnavailable, runtime.GOOS) }

// Wrap is an error: see [Available].
func Wrap(*exec.Cmd, Options) error { return Available() }

func (p *plan) become() error { return Available() }
