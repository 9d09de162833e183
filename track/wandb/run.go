package wandb

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

// defaultEntity is whose projects are that belong to nobody in particular.
const defaultEntity = "local"

// defaultProject is the project of runs that name none, as with W&B.
const defaultProject = "uncategorized"

// runName names a run as W&B does.
type runName struct{ Entity, Project, Run string }

func newRunName(entity, project, run string) runName {
	return runName{cmp.Or(entity, defaultEntity), cmp.Or(project, defaultProject), run}
}

// key is the key of the run's records: those of a project begin alike.
func (n runName) key() string { return projectKey(n.Entity, n.Project) + url.PathEscape(n.Run) }

func projectKey(entity, project string) string {
	return url.PathEscape(entity) + "/" + url.PathEscape(project) + "/"
}

// id is the ID of the run, which clients take as it is.
func (n runName) id() string {
	return base64.StdEncoding.EncodeToString([]byte("Run:v1:" + n.Run + ":" + n.Project + ":" + n.Entity))
}

// runOfID reads what id writes.
func runOfID(id string) (runName, error) {
	b, err := base64.StdEncoding.DecodeString(id)
	words := strings.Split(string(b), ":")
	if err != nil || len(words) != 5 || words[0] != "Run" {
		return runName{}, track.Errorf(track.InvalidParameter, "%q is no ID of a run", id)
	}
	return runName{words[4], words[3], words[2]}, nil
}

// run is what is kept of a run of W&B's, besides the run of the store. Times are
// milliseconds.
type run struct {
	runName

	ID          string          `json:"id"` // in the store
	DisplayName string          `json:"display_name,omitempty"`
	Notes       string          `json:"notes,omitempty"`
	Description string          `json:"description,omitempty"`
	Group       string          `json:"group,omitempty"`
	JobType     string          `json:"job_type,omitempty"`
	Sweep       string          `json:"sweep,omitempty"`
	Host        string          `json:"host,omitempty"`
	Program     string          `json:"program,omitempty"`
	Repo        string          `json:"repo,omitempty"`
	Commit      string          `json:"commit,omitempty"`
	Tags        []string        `json:"tags,omitempty"`
	Config      json.RawMessage `json:"config,omitempty"` // a JSON object
	State       string          `json:"state"`
	Created     int64           `json:"created"`
	Heartbeat   int64           `json:"heartbeat"`
	Logged      []string        `json:"logged,omitempty"` // IDs of artifacts
	Used        []string        `json:"used,omitempty"`
	Stopped     bool            `json:"stopped,omitempty"` // somebody wants it to end
	Asked       int64           `json:"asked,omitempty"`   // when a client looked where to go on

	kept kept
}

// The states of a run.
const (
	running  = "running"
	finished = "finished"
	failed   = "failed"
	crashed  = "crashed"
	killed   = "killed"
)

// silence is after how long without a sign of life a run counts as crashed.
const silence = 5 * time.Minute

// loadRun reads a run. It is NotFound if there is none. One that was purged from the
// store is none.
func (s *Server) loadRun(ctx context.Context, n runName) (*run, error) {
	r := new(run)
	if err := s.load(ctx, runKind, n.key(), r, &r.kept); err != nil {
		if track.CodeOf(err) == track.NotFound {
			err = track.Errorf(track.NotFound, "could not find run %s/%s/%s", n.Entity, n.Project, n.Run)
		}
		return nil, err
	}
	r.runName = n
	if r.State == running && r.silent() {
		r.State = crashed
	}
	return r, nil
}

func (s *Server) saveRun(ctx context.Context, r *run) error {
	return s.save(ctx, runKind, r.key(), r, &r.kept)
}

func now() int64 { return time.Now().UnixMilli() }

// changes are what a mutation says of a run; nil leaves it as it is.
type changes struct {
	displayName, notes, description, group, jobType, sweep, host, program, repo, commit, state *string

	tags    []string
	hasTags bool
	config  *string
	merge   bool // the config has not all of it
	summary *string

	created time.Time   // of a new run, if it is older than now
	mark    []track.Tag // of a new run
}

func changesOf(in args) changes {
	text := func(name string) *string {
		if s, ok := in[name].(string); ok {
			return &s
		}
		return nil
	}
	c := changes{
		displayName: text("displayName"), notes: text("notes"), description: text("description"), group: text("groupName"),
		jobType: text("jobType"), sweep: text("sweep"), host: text("host"), program: text("jobProgram"), repo: text("jobRepo"),
		commit: text("commit"), state: text("state"), config: text("config"), summary: text("summaryMetrics"),
	}
	c.tags, c.hasTags = in.texts("tags")
	return c
}

// upsert makes a run, or changes one that is there.
func (s *Server) upsert(ctx context.Context, n runName, c changes) (r *run, inserted bool, err error) {
	if n.Run == "" {
		return nil, false, track.Errorf(track.InvalidParameter, "a run needs a name")
	}
	s.sweep(ctx)
	defer s.locks.Lock(n.key())()
	if r, inserted, err = s.loadOrCreate(ctx, n, c); err != nil {
		return nil, false, err
	}
	if err := s.apply(ctx, r, c, inserted); err != nil {
		return nil, false, err
	}
	return r, inserted, s.saveRun(ctx, r)
}

// loadOrCreate returns a run, which is made if it is not there, or not there any
// more.
func (s *Server) loadOrCreate(ctx context.Context, n runName, c changes) (r *run, created bool, err error) {
	r, err = s.loadRun(ctx, n)
	if track.CodeOf(err) == track.NotFound {
		r, err = s.create(ctx, n, c, kept{})
		return r, true, err
	}
	if err != nil {
		return nil, false, err
	}
	if _, err = s.store.Run(ctx, r.ID); track.CodeOf(err) == track.NotFound {
		r, err = s.create(ctx, n, c, r.kept)
		return r, true, err
	}
	return r, false, err
}

// create makes the run in the store. What is kept of it comes first, so that the run
// is not made twice if this is interrupted.
func (s *Server) create(ctx context.Context, n runName, c changes, old kept) (*run, error) {
	r := &run{runName: n, ID: track.NewRunID(), State: running, Created: now(), Heartbeat: now(), kept: old}
	if !c.created.IsZero() {
		r.Created = c.created.UnixMilli()
	}
	if c.displayName != nil {
		r.DisplayName = *c.displayName
	}
	r.DisplayName = cmp.Or(r.DisplayName, track.RandomName()) // as W&B does
	if err := s.saveRun(ctx, r); err != nil {
		return nil, err
	}
	named := c.displayName != nil
	return r, s.open(ctx, r, named, c.mark)
}

// open makes the run of the store.
func (s *Server) open(ctx context.Context, r *run, named bool, mark []track.Tag) error {
	experiment, err := track.EnsureExperiment(ctx, s.store, r.Project)
	if err != nil {
		return err
	}
	new := track.NewRun{
		ID: r.ID, Experiment: experiment, Status: track.Running, Start: r.Created,
		Tags: append([]track.Tag{{Key: "wandb.id", Value: r.Run}, {Key: "wandb.project", Value: r.Project}, {Key: "wandb.entity", Value: r.Entity}}, mark...),
	}
	if named {
		new.Name = track.Clip(r.DisplayName, 250)
	}
	made, err := s.store.CreateRun(ctx, new)
	if err == nil && new.Name == "" {
		r.DisplayName = made.Name
	}
	return err
}

// apply makes the changes, in the run and in that of the store.
func (s *Server) apply(ctx context.Context, r *run, c changes, isNew bool) error {
	for to, from := range map[*string]*string{
		&r.Notes: c.notes, &r.Description: c.description, &r.Group: c.group, &r.JobType: c.jobType, &r.Sweep: c.sweep,
		&r.Host: c.host, &r.Program: c.program, &r.Repo: c.repo, &r.Commit: c.commit,
	} {
		if from != nil {
			*to = *from
		}
	}
	if c.hasTags {
		r.Tags = c.tags
	}
	errs := []error{s.setTags(ctx, r, c), s.setName(ctx, r, c, isNew), s.setState(ctx, r, c, isNew)}
	if c.config != nil {
		errs = append(errs, s.setConfig(ctx, r, *c.config, c.merge))
	}
	if c.summary != nil {
		errs = append(errs, s.setSummary(ctx, r, *c.summary, true))
	}
	return errors.Join(errs...)
}

// setTags tells the store what its tags have words for.
func (s *Server) setTags(ctx context.Context, r *run, c changes) error {
	var tags []track.Tag
	add := func(said bool, key, value string) {
		if said {
			tags = append(tags, track.Tag{Key: key, Value: track.Clip(value, track.MaxTagValue)})
		}
	}
	add(c.hasTags, "wandb.tags", strings.Join(r.Tags, ","))
	add(c.notes != nil, "mlflow.note.content", r.Notes)
	add(c.group != nil, "wandb.group", r.Group)
	add(c.jobType != nil, "wandb.job_type", r.JobType)
	add(c.host != nil, "wandb.host", r.Host)
	add(c.program != nil, "mlflow.source.name", r.Program)
	add(c.commit != nil, "mlflow.source.git.commit", r.Commit)
	if len(tags) == 0 {
		return nil
	}
	return s.store.LogBatch(ctx, r.ID, track.Batch{Tags: tags})
}

func (s *Server) setName(ctx context.Context, r *run, c changes, isNew bool) error {
	if c.displayName == nil || *c.displayName == "" {
		return nil
	}
	renamed := r.DisplayName != *c.displayName
	r.DisplayName = *c.displayName
	if isNew || !renamed {
		return nil
	}
	_, err := s.store.UpdateRun(ctx, r.ID, track.RunUpdate{Name: track.Clip(r.DisplayName, 250)})
	return err
}

// setState opens a run again that goes on, or ends it if a client says so.
func (s *Server) setState(ctx context.Context, r *run, c changes, isNew bool) error {
	switch {
	case c.state != nil && *c.state != "":
		return s.end(ctx, r, *c.state)
	case isNew || r.State == running || c.config == nil || c.host == nil:
		return nil // what a public client changes does not mean that it runs
	}
	r.State, r.Heartbeat, r.Stopped, r.Asked = running, now(), false, 0
	_, err := s.store.UpdateRun(ctx, r.ID, track.RunUpdate{Status: track.Running})
	return err
}

// end sets the state.
func (s *Server) end(ctx context.Context, r *run, state string) error {
	status, ok := map[string]track.Status{running: track.Running, finished: track.Finished, failed: track.Failed, crashed: track.Failed, killed: track.Killed}[state]
	if !ok {
		return nil // such as pending, which the store has no word for
	}
	r.State, r.Heartbeat = state, now()
	u := track.RunUpdate{Status: status}
	if status != track.Running {
		u.End = r.Heartbeat
	}
	_, err := s.store.UpdateRun(ctx, r.ID, u)
	return err
}
