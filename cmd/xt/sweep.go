package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/jobs"
	"github.com/xtrepro/xt/pipeline/search"
	"github.com/xtrepro/xt/pipeline/sweep"
	"github.com/xtrepro/xt/track"
)

func (a *app) sweepCommand() *cli.Command {
	return &cli.Command{
		Name: "sweep", Usage: "search for good parameters: run a stage with many, as [sweep.NAME] in xt.toml says", ArgsUsage: "NAME",
		Description: "Each trial runs in a clean directory and is a run below that of the sweep; the workspace and xt.lock\n" +
			"stay as they are. A sweep may be ended at any time: the next call goes on where it was, and what\n" +
			"was going on is run again. A trial whose result is known costs nothing.\n\n" +
			"\"xt sweep list\", \"show NAME\", \"apply NAME\" and \"rm NAME\" look at what came of it, take the best into\n" +
			"the workspace, and forget a sweep.\n\n" +
			"examples:\n   xt sweep lr\n   xt sweep lr --trials 100 -j 4\n   xt sweep lr --timeout 2h\n   xt sweep lr -j 16 --executor slurm   # 16 trials at a time on a cluster\n   xt sweep lr --dry-run          # show what is searched\n   xt sweep show lr\n   xt sweep apply lr",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what is searched and how, and run nothing"},
			&cli.IntFlag{Name: "trials", Usage: "stop when there are `N` trials, those of earlier calls counted"},
			&cli.StringFlag{Name: "timeout", Usage: "begin no trial after `TIME`, such as 90m"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "run `N` trials at a time"},
			&cli.Uint64Flag{Name: "seed", Usage: "choose values by the seed `N`"},
			&cli.IntFlag{Name: "max-failures", Usage: "stop when `N` trials have failed"},
			&cli.BoolFlag{Name: "no-run-cache", Usage: "run also what has a known result"},
			&cli.BoolFlag{Name: "pull", Usage: "fetch what the stages need, and results that are known there, from the remotes"},
			executorFlag(),
		},
		Subcommands: []*cli.Command{a.sweepListCommand(), a.sweepShowCommand(), a.sweepApplyCommand(), a.sweepRemoveCommand()},
		Action:      a.sweep,
	}
}

func (a *app) sweep(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{msg: fmt.Sprintf("xt sweep takes the name of one sweep, not %d", c.NArg()), hints: []string{"a sweep is a table [sweep.NAME] in xt.toml; \"xt sweep list\" lists them"}}
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	s, err := sweepOf(w, c.Args().First())
	if err != nil {
		return err
	}
	opts, err := sweepOptions(c, s)
	if err != nil {
		return err
	}
	if err := w.CheckSweep(s); err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return a.describeSweep(c, s, opts)
	}
	if opts.Trials == 0 && opts.Timeout == 0 && s.Sampler != "grid" {
		return &usageError{msg: fmt.Sprintf("sweep %s has no end", s.Name), hints: []string{fmt.Sprintf("write trials = 30 below [sweep.%s], or call it with --trials 30 or --timeout 2h", s.Name)}}
	}
	unlock, err := a.lockSweep(w, s.Name)
	if err != nil {
		return err
	}
	defer unlock()
	return a.runSweep(c, w, s, opts)
}

// sweepOf returns a sweep of the project.
func sweepOf(w *pipeline.Workspace, name string) (*pipeline.Sweep, error) {
	s, ok := w.Graph.Config.Sweeps[name]
	if ok {
		return &s, nil
	}
	names := sweepNames(w)
	e := &usageError{msg: fmt.Sprintf("there is no sweep %q in xt.toml", name)}
	switch hint := suggest.DidYouMean(name, names); {
	case hint != "":
		e.hints = []string{hint}
	case len(names) > 0:
		e.hints = []string{"known are " + strings.Join(names, ", ")}
	default:
		e.hints = []string{"declare one: [sweep." + name + "] with stage, objective, trials and params"}
	}
	return nil, e
}

func sweepNames(w *pipeline.Workspace) []string {
	var names []string
	for name := range w.Graph.Config.Sweeps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sweepOptions returns how a sweep is to go about it: as the command line says, or
// else xt.toml.
func sweepOptions(c *cli.Context, s *pipeline.Sweep) (search.Options, error) {
	for _, name := range []string{"trials", "jobs", "max-failures"} {
		if c.IsSet(name) && c.Int(name) < 1 {
			return search.Options{}, usageErrorf("--%s: must be at least 1, not %d", name, c.Int(name))
		}
	}
	o := search.Options{Trials: s.Trials, Timeout: s.Timeout, Jobs: s.Jobs, MaxFailures: s.MaxFailures}
	if c.IsSet("trials") {
		o.Trials = c.Int("trials")
	}
	if c.IsSet("jobs") {
		o.Jobs = c.Int("jobs")
	}
	if c.IsSet("max-failures") {
		o.MaxFailures = c.Int("max-failures")
	}
	if c.IsSet("seed") {
		s.Seed = c.Uint64("seed")
	}
	if text := c.String("timeout"); text != "" {
		d, ok := pipeline.ParseDuration(text)
		if !ok {
			return o, usageErrorf("--timeout: %q is no time, such as 90m or 2h", text)
		}
		o.Timeout = d
	}
	return o, nil
}

// lockSweep makes this process the only one that carries the sweep out.
func (a *app) lockSweep(w *pipeline.Workspace, name string) (unlock func(), err error) {
	if err := pipeline.MakeStateDir(w.Root); err != nil {
		return nil, err
	}
	dir := filepath.Join(w.Root, pipeline.StateDir, "sweeps")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, name+".lock"))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock sweep %s: %w", name, err)
	}
	if !ok {
		return nil, &usageError{
			msg:   fmt.Sprintf("sweep %s is being carried out by another xt", name),
			hints: []string{fmt.Sprintf("\"xt sweep show %s\" shows how far it is; for more at a time, end it and call it with -j", name)},
		}
	}
	return func() { l.Close() }, nil
}

func (a *app) runSweep(c *cli.Context, w *pipeline.Workspace, s *pipeline.Sweep, opts search.Options) (err error) {
	unlock, err := a.lockWorkspace(c, w)
	if err != nil {
		return err
	}
	defer unlock()
	stages, err := w.Graph.Select(s.Stages, pipeline.SelectOptions{})
	if err != nil {
		return err
	}
	if err := w.Prepare(c.Context, stages); err != nil {
		return err
	}
	t, err := a.newTracker(w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	if err := t.begin(c.Context); err != nil {
		return err
	}
	study, err := search.Study(c.Context, t.store, s, c.IsSet("seed"))
	if err != nil {
		return err
	}
	if err := a.noteInputs(c.Context, w, t.store, &study, s); err != nil {
		return err
	}
	parent, err := t.sweepRun(c.Context, &study, s, a.args)
	if err != nil {
		return err
	}
	shownAt := a.newSweepView(c.Context, t.store, parent, s, opts)
	if err := shownAt.load(c.Context, study.ID); err != nil {
		return err
	}
	x, endTrials, err := a.trialExecutor(c, w, t, s, parent)
	if err != nil {
		return err
	}
	e := &search.Search{Sweep: s, Studies: t.store, Watcher: shownAt, Options: opts, Executor: x}
	err = errors.Join(e.Run(c.Context, study.ID), endTrials())
	shownAt.end()
	status := statusOfSweep(err)
	endErr := t.store.EndRun(context.WithoutCancel(c.Context), parent, track.RunEnd{RunUpdate: track.RunUpdate{Status: status, End: time.Now().UnixMilli()}})
	return errors.Join(a.sweepEnded(c, shownAt, study.ID, t.store, err), endErr, w.SaveIndex())
}

// noteInputs warns of trials that cannot be compared with those of earlier calls.
func (a *app) noteInputs(ctx context.Context, w *pipeline.Workspace, s track.Store, study *track.Study, sw *pipeline.Sweep) error {
	progress := a.watch(w, "hashing")
	defer progress.Done()
	digest, err := w.SweepInputs(ctx, sw)
	if err != nil {
		return err
	}
	changed, err := search.NoteInputs(ctx, s, study, digest.String())
	if changed {
		a.term.Warnf("sweep %s: code, data, other parameters or the environment of its stages changed since its last trials, which may not compare with those to come; \"xt sweep rm %s\" begins anew", sw.Name, sw.Name)
	}
	return err
}

// trialExecutor returns what executes the trials of a sweep whose run is parent, and a
// function to call at the end.
func (a *app) trialExecutor(c *cli.Context, w *pipeline.Workspace, t *tracker, s *pipeline.Sweep, parent string) (search.Executor, func() error, error) {
	onCluster, err := executorName(c)
	if err != nil {
		return nil, nil, err
	}
	if !onCluster {
		return &localTrials{w: w, t: t, parent: parent, main: w.SweepStage(s), opts: pipeline.RunOptions{
			Jobs: 1, Options: pipeline.Options{NoRunCache: c.Bool("no-run-cache"), Pull: c.Bool("pull")},
		}}, func() error { return nil }, nil
	}
	x, err := a.newExecutor(w)
	if err != nil {
		return nil, nil, err
	}
	trials := &jobs.Trials{Executor: x, Workspace: w, Sweep: jobs.Sweep{Name: s.Name, Run: parent, NoRunCache: c.Bool("no-run-cache")}}
	return trials, trials.Close, trials.Start(c.Context)
}

// statusOfSweep is how the run of a sweep ended.
func statusOfSweep(err error) track.Status {
	switch {
	case err == nil:
		return track.Finished
	case errors.As(err, new(*signalError)):
		return track.Killed
	}
	return track.Failed
}

// sweepRun opens the run that the trials of a study are nested in, anew if there is
// one.
func (t *tracker) sweepRun(ctx context.Context, study *track.Study, s *pipeline.Sweep, args []string) (string, error) {
	if study.RunID != "" {
		r, err := t.store.Run(ctx, study.RunID)
		if err == nil && r.Lifecycle == track.Active {
			if _, err = t.store.UpdateRun(ctx, r.ID, track.RunUpdate{Status: track.Running}); err == nil {
				err = t.store.SetTag(ctx, r.ID, track.Tag{Key: processTag, Value: t.process})
			}
			return r.ID, err
		}
		if err != nil && track.CodeOf(err) != track.NotFound {
			return "", err
		}
	}
	r := &newRun{
		kind: track.SweepRun, name: s.Name, entry: &lock.Stage{Name: s.Stages[0], Cmd: strings.Join(args, " ")},
		tags: []track.Tag{{Key: sweepTag, Value: s.Name}},
	}
	x, err := t.open(ctx, r)
	if err != nil {
		return "", err
	}
	t.endpoint.remove(x.token) // no process logs to it
	return x.session.Root, t.store.SetStudyRun(ctx, study.ID, x.session.Root)
}

// sweepEnded says what came of a sweep.
func (a *app) sweepEnded(c *cli.Context, v *sweepView, study int64, s track.Store, err error) error {
	ctx := context.WithoutCancel(c.Context)
	if errors.As(err, new(*signalError)) {
		a.term.Sayf("sweep %s: %s; \"xt sweep %s\" goes on", v.s.Name, v.counts(), v.s.Name)
		return err
	}
	if c.Bool("json") {
		report, reportErr := newSweepReport(ctx, s, study, v.s)
		if reportErr == nil {
			reportErr = a.writeJSON(report)
		}
		return errors.Join(a.report(err), reportErr)
	}
	a.term.Printf("sweep %s: %s\n", v.s.Name, v.counts())
	for _, t := range v.front() {
		a.term.Printf("best: trial %d: %s (%s)\n", t.Number, valueWords(v.s, t.Values), pointWords(v.s, t.Point))
	}
	if err == nil && v.tally[sweep.Complete] == 0 {
		a.term.Error(fmt.Sprintf("sweep %s: no trial is complete", v.s.Name))
		return errFailed
	}
	if err == nil {
		a.term.Sayf("\"xt sweep show %s\" ranks them; \"xt sweep apply %s\" brings the best into the workspace", v.s.Name, v.s.Name)
	}
	return err
}
