package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	xterm "golang.org/x/term"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/replay"
	"github.com/xtrepro/xt/seedenv"
	"github.com/xtrepro/xt/track"
)

func (a *app) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run a command and keep it as a run, with all that it logs through MLflow",
		ArgsUsage: "[--] COMMAND [ARGUMENT…]",
		Description: "Runs a command as it is, with the seed, the determinism flags and the Python environment of the\n" +
			"project, and keeps the run: the command, commit and changes, parameters, metrics and\n" +
			"artifacts that it logs through MLflow, its output and how it ended. Nothing has to be started\n" +
			"and nothing set up. Outside a project runs are kept for the user. Ends with the exit code of\n" +
			"the command.\n\n" +
			"examples:\n   xt run -- python train.py --lr 0.1\n   xt run --name baseline --tag owner=ada -- python train.py\n   xt run --seed 7 python train.py\n   xt runs list",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "call the run `NAME`; by default as the command is called"},
			&cli.StringFlag{Name: "experiment", Usage: "the experiment `NAME` that it belongs to; it is made if there is none"},
			&cli.StringSliceFlag{Name: "tag", Usage: "give the run a tag: `KEY=VALUE`"},
			&cli.BoolFlag{Name: "record-llm", Usage: "record its calls to language models, and answer them from the recordings the next time"},
			&cli.Int64Flag{Name: "seed", Usage: "the seed of its randomness, rather than that of [seed] in xt.toml: `N`"},
		},
		Action: a.execCommand,
	}
}

// exitError ends xt as the command ended that it ran.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("the command ended with exit code %d", e.code) }

func (a *app) execCommand(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) == 0 {
		return &usageError{msg: "xt run: which command?", hints: []string{"such as xt run -- python train.py"}}
	}
	tags, err := parseTags(c.StringSlice("tag"))
	if err != nil {
		return err
	}
	r := &adHocRun{a: a, records: c.Bool("record-llm"), args: args, name: c.String("name"), experiment: c.String("experiment"), tags: tags}
	if c.IsSet("seed") {
		seed := c.Int64("seed")
		if seed < 0 || seed > 1<<32-1 {
			return usageErrorf("--seed is a number from 0 to 4294967295, not %d", seed)
		}
		r.seed = &seed
	}
	return r.run(c.Context)
}

func parseTags(words []string) ([]track.Tag, error) {
	var tags []track.Tag
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok || key == "" {
			return nil, usageErrorf("--tag: want KEY=VALUE, not %q", w)
		}
		tags = append(tags, track.Tag{Key: key, Value: value})
	}
	return tags, nil
}

// adHocRun is an xt run.
type adHocRun struct {
	a          *app
	args       []string
	name       string
	experiment string
	tags       []track.Tag
	seed       *int64
	records    bool // its calls to language models

	ready *pipeline.AdHoc
}

func (r *adHocRun) run(ctx context.Context) error {
	w, err := r.a.open()
	if errors.Is(err, pipeline.ErrNoProject) {
		w, err = nil, nil
	}
	if err == nil {
		err = r.prepare(ctx, w)
	}
	if err != nil {
		return err
	}
	t, err := r.a.newTracker(w)
	if err != nil {
		return err
	}
	defer t.close()
	e := r.ready.Entry
	log, err := pipeline.NewLog(t.to.logs)
	if err != nil {
		return err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	x, err := t.open(ctx, &newRun{kind: track.PlainRun, name: r.name, experiment: r.experiment, tags: r.tags, entry: e, log: log.Name()})
	if err != nil {
		return err
	}
	begin := time.Now()
	err = r.recorded(ctx, w, seedenv.Overlay(r.ready.Env, x.Vars()), func(env []string) error { return r.start(env, log) })
	code := codeOf(err)
	took := time.Since(begin)
	end := &ended{entry: e, environment: r.ready.Environment, log: log.Name(), code: code, duration: took, err: err}
	id, endErr := x.session.Root, error(nil)
	if x.left() {
		r.a.term.Sayf("processes of the command go on in the background, and so does the run")
		endErr = x.handOver(end)
	} else {
		id, endErr = x.end(end)
	}
	r.a.tellRun(id, code, took)
	if code != 0 && w != nil {
		r.hint(w, log.Name())
	}
	if endErr != nil {
		r.a.term.Warnf("the run is not complete: %v", endErr)
	}
	if code != 0 {
		return &exitError{code}
	}
	return err
}

// hint says whose packages Python had, where it lacked one: people do not expect that
// "python" is not the one of their shell.
func (r *adHocRun) hint(w *pipeline.Workspace, log string) {
	config := w.Graph.Config.Python
	path, _ := seedenv.FindCommand(r.args[0], r.a.dir, r.ready.Env)
	venv, _ := seedenv.Lookup(r.ready.Env, "VIRTUAL_ENV")
	if config == nil || venv == "" || !strings.HasPrefix(path, venv+string(filepath.Separator)) {
		return
	}
	f, err := os.Open(log)
	if err != nil {
		return
	}
	defer f.Close()
	text := make([]byte, 16<<10) // the end
	_, _ = f.Seek(-int64(len(text)), io.SeekEnd)
	n, _ := io.ReadFull(f, text)
	missing := regexp.MustCompile(`ModuleNotFoundError: No module named '([\w.]+)'`)
	if m := missing.FindSubmatch(text[:n]); m != nil {
		r.a.term.Sayf("%s this Python has the packages of %s, as [python] in xt.toml says; add %s to them, or name another Python by its path",
			r.a.term.PaintErr(term.Cyan, "hint:"), config.Requirements, m[1])
	}
}

// prepare finds out what the command is to see. w is nil outside a project.
func (r *adHocRun) prepare(ctx context.Context, w *pipeline.Workspace) (err error) {
	if w != nil {
		r.ready, err = w.AdHoc(ctx, r.args, r.a.dir, r.seed)
		return err
	}
	hook, err := pipeline.HookDir()
	if err != nil {
		return err
	}
	seed := seedenv.Seed{Value: r.seed, Deterministic: lock.DeterministicOff}
	if r.seed != nil {
		seed.Deterministic = lock.DeterministicOn
	}
	env := os.Environ()
	env = seedenv.Overlay(env, seedenv.Vars(seed, env))
	env = seedenv.Overlay(env, seedenv.HookVars(hook, env))
	r.ready = &pipeline.AdHoc{Entry: &lock.Stage{Name: "run", Cmd: git.QuoteWords(r.args), Seed: r.seed}, Env: env}
	return nil
}

// recorded calls f, which runs the command, in an environment in which calls to
// language models are recorded or replayed, if they are to be.
func (r *adHocRun) recorded(ctx context.Context, w *pipeline.Workspace, env []string, f func(env []string) error) error {
	if !r.records {
		return f(env)
	}
	name := r.name
	if name == "" {
		name = recordingName(r.args)
	}
	opts := replay.Options{Environ: env, Caller: env}
	if w != nil {
		if err := w.SetCalls(&opts, name); err != nil {
			return err
		}
	} else {
		dir, err := userDataDir()
		if err != nil {
			return err
		}
		opts.Mode, opts.Dir, opts.Aside = replay.Record, filepath.Join(dir, "llm", url.PathEscape(name)), filepath.Join(dir, "llm-new", url.PathEscape(name))
	}
	s, err := replay.Start(context.WithoutCancel(ctx), opts)
	if err != nil {
		return err
	}
	err = f(s.Environ())
	s.Close(err == nil)
	if sum := s.Summary(); sum.Calls > 0 {
		r.a.term.Sayf("%s", callWords(&sum))
	}
	if err == nil {
		err = s.Keep()
	}
	return err
}

// recordingName names the recordings of a command after its script, or else its
// program.
func recordingName(args []string) string {
	for _, word := range args[1:] {
		if ext := filepath.Ext(word); ext != "" && !strings.HasPrefix(word, "-") {
			return filepath.Base(word)
		}
	}
	return filepath.Base(args[0])
}

// start runs the command with the terminal of xt, and keeps what it writes.
func (r *adHocRun) start(env []string, log io.Writer) error {
	dir, err := filepath.Abs(r.a.dir)
	if err != nil {
		return err
	}
	cmd := exec.Command(r.args[0], r.args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, os.Stdin
	// The environment that xt built comes first.
	if path, ok := seedenv.FindCommand(r.args[0], dir, env); ok {
		cmd.Path, cmd.Err = path, nil
	}
	kept := &lockedWriter{w: log}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(r.a.term.Out, kept), io.MultiWriter(r.a.term.Err, kept)
	// A process that it leaves behind may hold the pipes open.
	cmd.WaitDelay = time.Second
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	defer close(done)
	go forward(signals, cmd.Process, done)
	err = cmd.Wait()
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// forward hands signals on. Ctrl-C on a terminal reaches the command without xt.
func forward(signals <-chan os.Signal, p *os.Process, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case s := <-signals:
			if s != os.Interrupt || !xterm.IsTerminal(int(os.Stdin.Fd())) {
				_ = p.Signal(s) // it may have ended just now
			}
		}
	}
}

// codeOf returns the exit code of a command as a shell would say it.
func codeOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal())
		}
		return exit.ExitCode()
	case errors.Is(err, exec.ErrNotFound):
		return 127
	}
	return 126
}

// lockedWriter takes what two streams write.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// tellRun says where a run is to be found.
func (a *app) tellRun(id string, code int, took time.Duration) {
	end := a.term.PaintErr(term.Green, "done")
	if code != 0 {
		end = a.term.PaintErr(term.Red, fmt.Sprintf("exit code %d", code))
	}
	a.term.Sayf("run %s: %s in %s; \"xt runs show %s\"", shortID(id), end, term.Duration(took), shortID(id))
}
