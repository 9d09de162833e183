package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/seedenv"
)

// The exit codes, the same for every command. A command that a signal ended
// exits with 128 and the number of the signal, as shells say it.
const (
	exitFine    = 0
	exitFailed  = 1 // a check failed: something is stale, a stage failed
	exitUsage   = 2 // wrong use, or a mistake in a file
	exitMissing = 3 // something needed is missing: data, an object, a tool
	exitOther   = 4 // anything else
)

// usageError is wrong use of the command line.
type usageError struct {
	msg   string
	hints []string
}

func (e *usageError) Error() string { return e.msg }

func usageErrorf(format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...)}
}

// errFailed ends a command with exit code 1 when all has been said.
var errFailed = errors.New("check failed")

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return e.signal.String() }

func onUsageError(c *cli.Context, err error, _ bool) error {
	name := "xt"
	if c.Command != nil && c.Command.HelpName != "" {
		name = c.Command.HelpName
	}
	if flag, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		e := &usageError{msg: fmt.Sprintf("%s has no flag %s", name, dashes(flag))}
		if near := nearest(strings.TrimLeft(flag, "-"), flagNames(c)); near != "" {
			e.hints = append(e.hints, fmt.Sprintf("did you mean %s?", dashes(near)))
		}
		e.hints = append(e.hints, fmt.Sprintf("%q lists the flags", name+" --help"))
		return e
	}
	msg := err.Error()
	if flag, ok := strings.CutPrefix(msg, "flag needs an argument: -"); ok {
		msg = dashes(flag) + " needs a value"
	}
	return &usageError{msg: name + ": " + msg, hints: []string{fmt.Sprintf("%q shows how it is called", name+" --help")}}
}

// dashes spells a flag as a user would: a letter with one dash, a word with two.
func dashes(flag string) string {
	flag = strings.TrimLeft(flag, "-")
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

func flagNames(c *cli.Context) []string {
	var names []string
	flags := c.App.Flags
	if c.Command != nil {
		flags = append(flags[:len(flags):len(flags)], c.Command.Flags...)
	}
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return names
}

// exit says what went wrong and returns the exit code. It is the only place
// that turns errors into messages.
func (a *app) exit(ctx context.Context, err error, asJSON bool) int {
	if err == nil {
		return exitFine
	}
	code := exitCode(err)
	if sig := new(signalError); errors.As(context.Cause(ctx), &sig) {
		a.term.Error("interrupted")
		return 128 + int(sig.signal)
	}
	if told := new(reported); errors.Is(err, errFailed) || errors.As(err, &told) {
		return code
	}
	msg, hints := message(err)
	if asJSON {
		_ = json.NewEncoder(a.term.Out).Encode(errorMessage{Error: msg, Hints: hints, Code: code})
	}
	a.term.Error(msg, hints...)
	return code
}

// errorMessage is how an error is told to a program.
type errorMessage struct {
	Error string   `json:"error"`
	Hints []string `json:"hints,omitempty"`
	Code  int      `json:"exit_code"`
}

func exitCode(err error) int {
	var (
		usage    *usageError
		config   *pipeline.ConfigErrors
		one      *pipeline.ConfigError
		target   *pipeline.TargetError
		lockErr  *lock.Error
		inputs   *pipeline.MissingInputsError
		stage    *pipeline.StageError
		output   *pipeline.OutputError
		tracked  *pipeline.TrackedError
		misuse   *pipeline.MisuseError
		missing  *cache.MissingError
		damaged  *cache.DamagedError
		uncached *cache.UncachedError
		tool     *seedenv.MissingError
		path     *pipeline.MissingPathError
		special  *hash.UnsupportedError
		revision *git.RevisionError
		exit     cli.ExitCoder
	)
	switch {
	case errors.Is(err, errFailed), errors.As(err, &stage), errors.As(err, &output):
		return exitFailed
	case errors.As(err, &inputs), errors.As(err, &missing), errors.As(err, &damaged), errors.As(err, &tool), errors.As(err, &path):
		return exitMissing
	case errors.As(err, &usage), errors.As(err, &config), errors.As(err, &one), errors.As(err, &target), errors.As(err, &lockErr),
		errors.As(err, &tracked), errors.As(err, &misuse), errors.As(err, &uncached), errors.As(err, &special), errors.As(err, &revision),
		errors.Is(err, pipeline.ErrNoProject), errors.Is(err, git.ErrNoRepository), errors.As(err, &exit):
		return exitUsage
	}
	return exitOther
}

// message returns what to say of an error, and what to do about it.
func message(err error) (string, []string) {
	var (
		usage    *usageError
		config   *pipeline.ConfigErrors
		lockErr  *lock.Error
		inputs   *pipeline.MissingInputsError
		absent   *cache.MissingError
		stage    *pipeline.StageError
		uncached *cache.UncachedError
		special  *hash.UnsupportedError
		hinted   interface{ Hints() []string }
	)
	switch {
	case errors.As(err, &usage):
		return usage.msg, usage.hints
	case errors.As(err, &config):
		return configMessage(config)
	case errors.As(err, &hinted):
		return err.Error(), hinted.Hints()
	case errors.As(err, &lockErr):
		return err.Error(), hint(lockErr.Hint)
	case errors.As(err, &stage):
		return stageMessage(stage, err)
	case errors.As(err, &inputs):
		return err.Error(), []string{"put it there, or bring back what xt has with \"xt checkout\", or correct the path in xt.toml"}
	case errors.As(err, &absent):
		return err.Error(), []string{"an output is made again by \"xt repro\"; data has to be added again by someone who has it"}
	case errors.As(err, &uncached):
		return uncachedMessage(uncached), []string{"xt add it, commit it, or move it away; --force replaces it"}
	case errors.As(err, &special):
		return err.Error(), []string{"move it away, or list it in .xtignore"}
	case errors.Is(err, pipeline.ErrNoProject):
		return err.Error(), []string{"\"xt init\" makes one here"}
	case errors.Is(err, git.ErrNoRepository):
		return err.Error(), []string{"\"git init\" makes one here"}
	case errors.Is(err, syscall.ENOSPC):
		return err.Error(), []string{"the disk is full; nothing was lost; \"xt gc\" removes what no version needs from the cache"}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return err.Error(), []string{"check who may write there; another cache directory can be set with \"xt config cache.dir DIR\""}
	}
	return err.Error(), nil
}

// uncachedMessage names the files, as far as they fit on a screen.
func uncachedMessage(e *cache.UncachedError) string {
	const most = 20
	if len(e.Paths) == 1 {
		return e.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s would be lost: their content is in no cache and no commit", plural(len(e.Paths), "file"))
	for i, p := range e.Paths {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Paths)-most)
			break
		}
		b.WriteString("\n  " + shown(p))
	}
	return b.String()
}

func hint(h string) []string {
	if h == "" {
		return nil
	}
	return []string{h}
}

// configMessage says all mistakes, each followed by what to do about it.
func configMessage(e *pipeline.ConfigErrors) (string, []string) {
	if len(e.List) == 1 {
		return e.List[0].Error(), hint(e.List[0].Hint)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d mistakes in the project's files, nothing was run", len(e.List)+e.More)
	for _, one := range e.List {
		b.WriteString("\n  " + one.Error())
		if one.Hint != "" {
			b.WriteString("\n    (" + one.Hint + ")")
		}
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.More)
	}
	return b.String(), nil
}

func stageMessage(e *pipeline.StageError, err error) (string, []string) {
	hints := []string{"its output is in " + e.Log}
	return err.Error(), hints
}

// reported is an error that the user has been told of.
type reported struct{ error }

func (e *reported) Unwrap() error { return e.error }

// report tells people of an error now, where standard output has a JSON result
// that says it too.
func (a *app) report(err error) error {
	if err == nil {
		return nil
	}
	msg, hints := message(err)
	a.term.Error(msg, hints...)
	return &reported{err}
}
