package jobs

import (
	"cmp"
	"context"
	"time"

	"github.com/xtrepro/xt/pipeline/slurm"
)

// Status is what a person would say of a job.
type Status string

// The statuses.
const (
	Waiting   Status = "waiting"
	Held      Status = "held"
	Running   Status = "running"
	Succeeded Status = "done"
	Broken    Status = "failed"
	Cancelled Status = "cancelled"
	Lost      Status = "lost"    // the cluster does not know it, and it left no result
	Unknown   Status = "unknown" // the cluster was not asked
)

// Open reports whether more is to come of a job.
func (s Status) Open() bool { return s == Waiting || s == Held || s == Running || s == Unknown }

// View is a job and how it stands.
type View struct {
	*Job
	Status Status
	Detail string // why it waits, or failed
	Node   string
	Since  time.Time // it has been running; zero if it has not begun
	Ended  time.Time // zero if that is not known
}

// Survey says how the jobs of batches stand. The cluster is asked for those that have
// not ended; where that cannot be done, their status is unknown, and the error says
// why.
func (r *Registry) Survey(ctx context.Context, c *slurm.Client, batches []*Batch) ([]View, error) {
	var views []View
	var ids []string
	for _, b := range batches {
		for _, j := range r.Jobs(b) {
			v := j.view()
			if v.Status == Unknown {
				ids = append(ids, j.Last().ID)
			}
			views = append(views, v)
		}
	}
	if len(ids) == 0 {
		return views, nil
	}
	err := slurm.Installed()
	var found []slurm.Job
	if err == nil {
		found, err = c.Jobs(ctx, ids)
	}
	if err != nil {
		return views, err
	}
	known := map[string]*slurm.Job{}
	for i := range found {
		known[found[i].Name()] = &found[i]
	}
	for i := range views {
		if views[i].Status == Unknown {
			views[i].see(known[views[i].Last().ID])
		}
	}
	return views, nil
}

// view says how a job stands as its files tell.
func (j *Job) view() View {
	v := View{Job: j, Status: Waiting}
	last := j.Last()
	if last == nil || last.ID == "" {
		v.Detail = "it was not submitted"
		v.Status = Broken
		return v
	}
	lease, _ := j.lease() // one that is broken is none
	v.Node = last.Node
	if lease.Attempt == j.number() {
		// The cluster may not have been asked while it was running.
		v.Since, v.Node = lease.Began, cmp.Or(v.Node, lease.Host)
	}
	r, err := j.Result()
	switch {
	case err == nil && r != nil && r.Error == nil:
		v.Status, v.Ended = Succeeded, r.Ended
	case last.Over && last.Kind != "" && last.Kind != slurm.WasCancelled:
		v.Status, v.Detail = Broken, last.Kind.Words()
	case last.Over && last.Kind != "" || lease.Attempt > j.number():
		v.Status = Cancelled
	case err == nil && r != nil:
		v.Status, v.Detail, v.Ended = Broken, r.Error.Msg, r.Ended
	case last.Over && !v.Since.IsZero():
		v.Status, v.Detail = Broken, "it was killed while its command ran"
	case last.Over:
		v.Status, v.Detail = Broken, "it failed before its command began"
	default:
		v.Status = Unknown
	}
	return v
}

const heldWords = "\"scontrol release\" lets it go on"

// see adds what the cluster says; nil if it does not know the job.
func (v *View) see(s *slurm.Job) {
	if s == nil {
		v.Status = Lost
		return
	}
	v.Node, v.Detail = s.Node, s.Why()
	kind := s.Kind()
	switch {
	case kind == slurm.WasCancelled:
		v.Status, v.Detail = Cancelled, ""
	case kind != "":
		v.Status, v.Detail = Broken, kind.Words()
	case s.State == slurm.Pending && s.Held():
		v.Status, v.Detail = Held, heldWords
	case s.State == slurm.Pending:
		v.Status = Waiting
	case s.State == slurm.Suspended:
		v.Status, v.Detail = Waiting, "it is suspended"
	case s.State == slurm.Completed:
		v.Status, v.Detail = Lost, "it left no result"
	case s.State.Over():
		v.Status = Broken
	default:
		v.Status, v.Detail = Running, ""
	}
}
