//go:build !linux || (!amd64 && !arm64)

package trace

import (
	"fmt"
	"os/exec"
	"runtime"
)

// Tracer follows a started command.
type Tracer struct{}

// Available reports why commands cannot be traced here; nil if they can.
func Available() error {
	return fmt.Errorf("%w: it needs Linux on amd64 or arm64, and this is %s on %s",
		ErrUnsupported, runtime.GOOS, runtime.GOARCH)
}

// Shim is for main to call first; it does nothing here.
func Shim() {}

// Start returns the error of Available, and does not start the command.
func Start(*exec.Cmd, Options) (*Tracer, error) { return nil, Available() }

// Finish returns an empty report.
func (*Tracer) Finish() Report { return Report{} }
