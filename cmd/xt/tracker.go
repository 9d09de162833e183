package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
)

// tracker keeps executions as runs in a store, which it opens when the first one
// begins: most of what xt does runs nothing. It implements pipeline.Tracker.
type tracker struct {
	a  *app
	w  *pipeline.Workspace // nil outside a project
	to *storePlace

	once     sync.Once
	err      error
	store    track.Store
	models   track.Registry
	endpoint *endpoint
	process  string // see [processTag]
	diff     diff
	more     []track.Tag // that every run gets
}

// newTracker returns a tracker for a workspace; nil stands for the user's own
// store.
func (a *app) newTracker(w *pipeline.Workspace) (*tracker, error) {
	to, err := placeOfRuns(w)
	if err != nil {
		return nil, err
	}
	return &tracker{a: a, w: w, to: to}, nil
}

// begin opens the store and the endpoint.
func (t *tracker) begin(ctx context.Context) error {
	t.once.Do(func() {
		if t.store, t.err = t.to.open(context.WithoutCancel(ctx)); t.err == nil {
			t.models, t.process = modelsOf(t.w, t.store), processOf()
			t.endpoint, t.err = openEndpoint()
			// What cannot be closed now stands as going on, which harms nobody.
			_ = closeAbandoned(context.WithoutCancel(ctx), t.store)
		}
	})
	return t.err
}

// close ends the endpoint and closes the store.
func (t *tracker) close() error {
	var errs []error
	if t.endpoint != nil {
		errs = append(errs, t.endpoint.close())
	}
	if t.store != nil {
		errs = append(errs, t.store.Close())
	}
	return errors.Join(errs...)
}

// newRun is what a run is opened with.
type newRun struct {
	kind       track.Kind
	name       string
	experiment string
	tags       []track.Tag
	entry      *lock.Stage
	log        string        // the file that its output goes to
	parent     string        // the run that it is nested in; "" for that of the environment
	params     []track.Param // besides those of the entry
	store      track.Store   // what its processes log to; nil for the tracker's own
}

// ended is what a run is closed with.
type ended struct {
	entry       *lock.Stage
	environment *lock.Environment
	metrics     []pipeline.Value
	log         string // a file
	code        int
	duration    time.Duration
	memory      int64 // bytes
	verdict     pipeline.Verdict
	outs        []pipeline.OutVerdict
	err         error
}

// openRun is a run that goes on. It implements pipeline.Tracked.
type openRun struct {
	t       *tracker
	ctx     context.Context
	session *track.Session
	token   string
	origin  track.Origin
}

// Track implements pipeline.Tracker.
func (t *tracker) Track(ctx context.Context, x pipeline.Execution) (pipeline.Tracked, error) {
	r := &newRun{kind: track.StageRun, name: x.Step.Stage.Name, entry: x.Step.Entry, log: x.Log}
	if x.Verify {
		r.kind = track.VerifyRun
	}
	return t.open(ctx, r)
}

// open opens a run.
func (t *tracker) open(ctx context.Context, r *newRun) (*openRun, error) {
	if err := t.begin(ctx); err != nil {
		return nil, err
	}
	// It is closed after an interrupt too.
	ctx = context.WithoutCancel(ctx)
	experiment, err := t.experiment(ctx, r.experiment)
	if err != nil {
		return nil, err
	}
	x := &openRun{t: t, ctx: ctx, origin: t.origin(ctx, r)}
	params := mergeParams(paramsOf(r.entry), r.params)
	run, err := t.store.CreateRun(ctx, track.NewRun{
		Experiment: experiment, Name: runName(r), User: userName(), Status: track.Running, Start: time.Now().UnixMilli(),
		Params: params, Tags: append(t.tags(ctx, r), r.tags...), Origin: &x.origin,
	})
	if err != nil {
		return nil, err
	}
	if r.store == nil {
		r.store = t.store
	}
	x.session = &track.Session{Store: r.store, Root: run.ID, Params: params}
	x.token, err = t.endpoint.add(x.session, t.models)
	return x, err
}

func runName(r *newRun) string {
	if r.name != "" {
		return r.name
	}
	return track.Clip(r.entry.Cmd, 100)
}

// experiment returns the number of an experiment, which it makes if need be.
func (t *tracker) experiment(ctx context.Context, name string) (int64, error) {
	if name == "" {
		name = os.Getenv("MLFLOW_EXPERIMENT_NAME")
	}
	if name == "" {
		return 0, nil
	}
	return track.EnsureExperiment(ctx, t.store, name)
}

// origin returns what is known of an execution when it begins.
func (t *tracker) origin(ctx context.Context, r *newRun) track.Origin {
	o := track.Origin{Kind: r.kind, Command: r.entry.Cmd, Commit: r.entry.Commit, Log: r.log}
	if r.kind != track.PlainRun {
		o.Stage = r.entry.Name
	}
	if !r.entry.Fingerprint.IsZero() {
		o.Fingerprint = r.entry.Fingerprint.String()
	}
	o.Diff, o.Dirty = t.difference(ctx)
	if o.Commit == "" && t.w != nil && t.w.Repo != nil {
		o.Commit, _ = t.w.Repo.Head()
	}
	return o
}

// diff is how the work tree differs from the commit, which is asked once.
type diff struct {
	once  sync.Once
	sum   string
	dirty bool
}

// maxDiff is how much of a difference is kept, in bytes: data that was committed
// to git and has changed is no part of the code.
const maxDiff = 4 << 20

// difference stores how the work tree differs from the commit in the cache.
func (t *tracker) difference(ctx context.Context) (sum string, dirty bool) {
	if t.w == nil || t.w.Repo == nil {
		return "", false
	}
	t.diff.once.Do(func() {
		text, err := t.w.Repo.Diff()
		t.diff.dirty = err != nil || len(text) > 0
		if len(text) == 0 || len(text) > maxDiff {
			return
		}
		if s := hash.Bytes(text); t.to.cache.PutBytes(ctx, s, text) == nil {
			t.diff.sum = s.String()
		}
	})
	return t.diff.sum, t.diff.dirty
}

// tags returns what MLflow's own client would say of a run, and which run it is
// nested in.
func (t *tracker) tags(ctx context.Context, r *newRun) []track.Tag {
	tags := []track.Tag{{Key: "mlflow.source.name", Value: r.entry.Cmd}, {Key: "mlflow.source.type", Value: "LOCAL"}, {Key: processTag, Value: t.process}}
	tags = append(tags, t.more...)
	if r.entry.Commit != "" {
		tags = append(tags, track.Tag{Key: "mlflow.source.git.commit", Value: r.entry.Commit})
	}
	if r.parent != "" {
		return append(tags, track.Tag{Key: track.ParentRunTag, Value: r.parent})
	}
	if parent := os.Getenv("XT_RUN_ID"); parent != "" {
		if _, err := t.store.Run(ctx, parent); err == nil {
			tags = append(tags, track.Tag{Key: track.ParentRunTag, Value: parent})
		}
	}
	return tags
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// paramsOf returns the parameters of an entry, those in tables each for itself.
func paramsOf(e *lock.Stage) []track.Param {
	var params []track.Param
	for _, p := range e.Params {
		settings, err := pipeline.ParamSettings([]lock.Param{p})
		if err != nil {
			settings = []pipeline.ParamSetting{{File: p.File, Key: p.Key, Value: p.Value}}
		}
		for _, s := range settings {
			key := s.Key
			if key == "" {
				key = s.File
			}
			params = append(params, track.Param{Key: track.CleanKey(key), Value: wholeText(s.Value)})
		}
	}
	return mergeParams(params, nil)
}

// wholeText returns a value with all of its digits, and not what fits a table.
func wholeText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return valueText(v)
}

// mergeParams returns parameters by key, each once: of two the first.
func mergeParams(a, b []track.Param) []track.Param {
	params := slices.Concat(a, b)
	slices.SortStableFunc(params, func(a, b track.Param) int { return strings.Compare(a.Key, b.Key) })
	return slices.CompactFunc(params, func(a, b track.Param) bool { return a.Key == b.Key })
}

// Vars implements pipeline.Tracked: MLflow's client takes them for its own, and the
// start-up hook tells Optuna's.
func (x *openRun) Vars() map[string]string {
	vars := map[string]string{
		"MLFLOW_TRACKING_URI": x.t.endpoint.url(), "MLFLOW_TRACKING_TOKEN": x.token,
		// The address that it would print is gone when the command has ended.
		"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
		"XT_OPTUNA_STORAGE":                      x.token + "@" + x.t.endpoint.listener.Addr().String(),
		"XT_RUN_ID":                              x.session.Root,
		// W&B's client takes it for its server, tells its maker nothing, and asks no
		// index for newer releases.
		"WANDB_BASE_URL": x.t.endpoint.url(), "WANDB_API_KEY": x.token, "WANDB_ERROR_REPORTING": "false", "WANDB__DISABLE_UPDATE_CHECK": "true",
	}
	// What the user has set for another server.
	for _, name := range []string{"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID"} {
		if os.Getenv(name) != "" {
			vars[name] = ""
		}
	}
	return vars
}

// End implements pipeline.Tracked.
func (x *openRun) End(o pipeline.Outcome) (log string, err error) {
	e := endedOf(&o)
	_, err = x.end(e)
	return e.log, err
}
