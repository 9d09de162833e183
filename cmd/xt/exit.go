package main

import (
	"context"
	"encoding/json"
	"errors"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/attest"
	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/download"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/githook"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/jobs"
	"github.com/xtrepro/xt/pipeline/origin"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/slurm"
	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/remote"
	"github.com/xtrepro/xt/remote/pack"
	"github.com/xtrepro/xt/remote/store"
	"github.com/xtrepro/xt/replay"
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

// errFailed ends a command with exit code 1 when all has been said.
var errFailed = errors.New("check failed")

// signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return e.signal.String() }

// exit says what went wrong and returns the exit code. It is the only place
// that turns errors into messages.
func (a *app) exit(ctx context.Context, err error, asJSON bool) int {
	if err == nil {
		return exitFine
	}
	if ended := new(exitError); errors.As(err, &ended) {
		return ended.code // the command has said why
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
		// Where it cannot be written, standard error still says it.
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
		calls    *pipeline.CallsError
		upstream *replay.UpstreamError
		tracked  *pipeline.TrackedError
		misuse   *pipeline.MisuseError
		missing  *cache.MissingError
		damaged  *cache.DamagedError
		uncached *cache.UncachedError
		tool     *seedenv.MissingError
		path     *pipeline.MissingPathError
		special  *hash.UnsupportedError
		revision *git.RevisionError
		noRemote *pipeline.NoRemoteError
		broken   *remote.DamagedError
		noKey    *remote.KeyError
		signing  *attest.KeyError
		otherKey *remote.KeyChangedError
		noClone  *remote.UnknownCloneError
		plain    *remote.PlainError
		newer    *pack.VersionError
		access   *store.Error
		fetch    *git.FetchError
		pointer  *git.PointerError
		web      *download.Error
		source   *origin.SourceError
		address  *origin.AddressError
		exists   *origin.ExistsError
		hook     *githook.RefusedError
		unproven *pipeline.UnprovenError
		changed  *pipeline.UncommittedError
		rules    *registry.RulesError
		again    *unverified
		unknown  *registry.UnknownError
		version  *registry.ExistsError
		gone     *registry.GoneError
		name     *registry.NameError
		note     *registry.NoteError
		ident    *git.IdentError
		sign     *git.SignError
		pushed   *git.PushError
		failures *search.FailuresError
		other    *search.ChangedError
		foreign  *search.ForeignError
		slurms   *slurm.MissingError
		down     *slurm.UnreachableError
		refused  *slurm.Error
		noJob    *jobs.UnknownError
		exit     cli.ExitCoder
	)
	switch {
	case errors.Is(err, errFailed), errors.As(err, &stage), errors.As(err, &output),
		errors.As(err, &unproven), errors.As(err, &changed), errors.As(err, &rules), errors.As(err, &again), errors.As(err, &calls), errors.As(err, &failures):
		return exitFailed
	case errors.As(err, &inputs), errors.As(err, &missing), errors.As(err, &damaged), errors.As(err, &tool), errors.As(err, &path),
		errors.As(err, &broken), errors.As(err, &noKey), errors.As(err, &signing), errors.Is(err, remote.ErrEmpty),
		errors.As(err, &fetch), errors.As(err, &pointer), errors.As(err, &source), errors.Is(err, git.ErrNoCommand), errors.As(err, &sign), errors.As(err, &pushed),
		errors.As(err, &slurms), errors.As(err, &down):
		return exitMissing
	case errors.As(err, &usage), errors.As(err, &config), errors.As(err, &one), errors.As(err, &target), errors.As(err, &lockErr),
		errors.As(err, &tracked), errors.As(err, &misuse), errors.As(err, &uncached), errors.As(err, &special), errors.As(err, &revision),
		errors.As(err, &noRemote), errors.As(err, &plain), errors.As(err, &newer), errors.As(err, &otherKey), errors.As(err, &noClone), errors.As(err, &address), errors.As(err, &exists), errors.As(err, &hook), errors.As(err, &upstream),
		errors.As(err, &unknown), errors.As(err, &version), errors.As(err, &gone), errors.As(err, &name), errors.As(err, &note), errors.As(err, &ident), errors.As(err, &other), errors.As(err, &foreign), errors.As(err, &refused), errors.As(err, &noJob), errors.Is(err, pipeline.ErrNoProject), errors.Is(err, git.ErrNoRepository), errors.As(err, &exit):
		return exitUsage
	case errors.As(err, &access):
		return remoteCode(access)
	case errors.As(err, &web):
		return webCode(web)
	}
	return exitOther
}

// remoteCode returns the exit code for trouble with a remote: something that is
// needed is missing, the remote itself, or a way or a key to it.
func remoteCode(e *store.Error) int {
	switch e.Kind {
	case store.NotFound, store.NoBucket, store.NoCredentials, store.Denied, store.Unreachable, store.HostKey:
		return exitMissing
	}
	return exitOther
}

// webCode returns the exit code for trouble with a download.
func webCode(e *download.Error) int {
	switch e.Kind {
	case download.Gone, download.Denied, download.Unreachable, download.Untrusted:
		return exitMissing
	}
	return exitOther
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
