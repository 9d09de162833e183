// Command xt makes machine-learning work repeatable: it runs the stages of a
// pipeline when their inputs change, records in xt.lock what each result was
// made from, and keeps the data in a cache.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/xtrepro/xt/internal/sandbox"
	"github.com/xtrepro/xt/internal/term"
)

// version is set by the linker in a release.
var version = ""

func main() {
	sandbox.Shim()
	os.Exit(run(os.Args))
}

// run is main, but for the end of the process.
func run(args []string) int {
	t := term.New(os.Stdout, os.Stderr)
	a := &app{term: t, stdin: os.Stdin, dir: "."}
	ctx, ended := a.signals()
	defer ended()
	return a.run(ctx, args)
}

// signals returns a context that the first signal to end ends. The second
// closes a.hurry, the third has its usual effect.
func (a *app) signals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	hurry := make(chan struct{})
	a.hurry = hurry
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		if s, ok := (<-ch).(syscall.Signal); ok {
			cancel(&signalError{s})
		}
		if _, ok := <-ch; ok {
			close(hurry)
			signal.Stop(ch) // the third ends xt wherever it is
		}
	}()
	return ctx, func() { signal.Stop(ch); cancel(nil) }
}

// versionString returns the release, or the commit for a build from source.
func versionString() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = "devel " + s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		v = "devel"
	}
	return v
}
