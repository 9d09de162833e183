package wandb

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

// resumeWithin is for how long a client that has asked where to go on may take to do
// so.
const resumeWithin = 10 * time.Minute

// askedToResume notes that a client has looked where a run ended.
func (c *call) askedToResume(r *run) error {
	defer c.locks.Lock(r.key())()
	fresh, err := c.loadRun(c.ctx, r.runName)
	if err != nil {
		return err
	}
	fresh.Asked = now()
	return c.saveRun(c.ctx, fresh)
}

// startAgain makes another run of one that has ended and whose name is used again, as
// W&B does: only who resumes a run asks for it before. A process that is heard of again
// after a long silence goes on with its run.
func (c *call) startAgain(n runName, config string) error {
	defer c.locks.Lock(n.key())()
	r, err := c.loadRun(c.ctx, n)
	if track.CodeOf(err) == track.NotFound {
		return nil
	}
	if err != nil || r.State == running {
		return err
	}
	if now()-r.Asked < resumeWithin.Milliseconds() || haveCommon(writersOf(string(r.Config)), writersOf(config)) {
		return nil
	}
	there, err := c.store.Run(c.ctx, r.ID)
	if track.CodeOf(err) == track.NotFound {
		return nil
	}
	lines, e := c.store.CountLines(c.ctx, r.ID, historyStream)
	if err != nil || e != nil || lines == 0 {
		return errors.Join(err, e)
	}
	fresh := *r
	fresh.Config, fresh.Tags, fresh.Created, fresh.Logged, fresh.Used = nil, nil, now(), nil, nil
	fresh.Notes, fresh.Group, fresh.JobType = "", "", ""
	if err := c.replace(&fresh, -1); err != nil || there.Origin != nil {
		return err // what xt executed stays
	}
	return c.store.DeleteRun(c.ctx, r.ID)
}

// writersOf returns what a config says of the processes that wrote it: newer clients have
// IDs, older ones the time at which they began.
func writersOf(config string) []string {
	var own struct {
		Begun   json.Number                `json:"start_time"`
		Writers map[string]json.RawMessage `json:"e"`
	}
	if json.Unmarshal([]byte(wandbConfig(config)), &own) != nil {
		return nil
	}
	writers := slices.Collect(maps.Keys(own.Writers))
	if own.Begun != "" {
		writers = append(writers, own.Begun.String())
	}
	return writers
}

func haveCommon(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// rewind makes a run end at a step. What it was is left in the store.
func (c *call) rewind(a args) (any, error) {
	in := a.input()
	n := newRunName(in.text("entityName"), in.text("projectName"), in.text("runName"))
	if name := in.text("metricName"); name != "_step" {
		return nil, track.Errorf(track.InvalidParameter, "runs go back to a _step, not to a value of %q", name)
	}
	defer c.locks.Lock(n.key())()
	r, err := c.loadRun(c.ctx, n)
	if err != nil {
		return nil, err
	}
	step := in.int("metricValue", 0)
	old := r.ID
	if err := c.replace(r, step); err != nil {
		return nil, err
	}
	if err := c.store.SetTag(c.ctx, old, track.Tag{Key: "wandb.rewound", Value: fmt.Sprint(step)}); err != nil {
		return nil, err
	}
	return object{"rewoundRun": c.runObject(r)}, nil
}

// replace gives a run of W&B's another run of the store, with the history up to a step.
func (c *call) replace(r *run, step int64) error {
	old := *r
	r.State, r.Heartbeat, r.ID, r.Asked, r.Stopped = running, now(), track.NewRunID(), 0, false
	if err := c.open(c.ctx, r, true, nil); err != nil {
		return err
	}
	if err := c.copyHistory(&old, r, step); err != nil {
		return err
	}
	if step >= 0 {
		if err := c.copyFiles(&old, r, ""); err != nil {
			return err
		}
	}
	if len(r.Config) > 0 {
		if err := c.setConfig(c.ctx, r, string(r.Config), false); err != nil {
			return err
		}
	}
	summary, err := c.lastRow(r, historyStream)
	if err == nil {
		err = c.setSummary(c.ctx, r, summary, false)
	}
	if err != nil {
		return err
	}
	return c.saveRun(c.ctx, r) // the last: until then all is as it was
}

// copyHistory gives a run the rows of another up to a step.
func (c *call) copyHistory(from, to *run, step int64) error {
	if step < 0 {
		return nil
	}
	end, err := c.lineOf(from, historyStream, step+1)
	if err != nil {
		return err
	}
	if there, err := c.store.CountLines(c.ctx, to.ID, historyStream); err != nil || there >= end {
		return err
	}
	const chunk = 5000
	for at := int64(0); at < end; at += chunk {
		kept, err := c.store.Lines(c.ctx, track.LineQuery{RunID: from.ID, Stream: historyStream, From: at, To: min(end, at+chunk)})
		if err != nil {
			return err
		}
		part := lines{Offset: at}
		for _, l := range kept {
			part.Content = append(part.Content, l.Text)
		}
		if err := c.takeFile(c.ctx, to, "wandb-history.jsonl", part); err != nil {
			return err
		}
	}
	return nil
}

// copyFiles gives a run the files of another whose names begin with a prefix.
func (c *call) copyFiles(from, to *run, prefix string) error {
	dir, err := c.files(c.ctx, from)
	if err != nil {
		return err
	}
	return c.store.WalkArtifacts(c.ctx, dir, func(f track.Artifact) error {
		name := strings.TrimPrefix(f.Path.String(), dir.String()+"/")
		if !strings.HasPrefix(name, prefix) {
			return nil
		}
		p, err := c.filePath(c.ctx, to, name)
		if err == nil {
			_, err = c.store.LinkArtifact(c.ctx, p, f.Node)
		}
		return err
	})
}

// branchPoint is where a run goes on from another.
type branchPoint struct {
	Run  string  `json:"run_id"`
	Step float64 `json:"step"`

	from *run
}

// branchOf reads from a config what run a new one goes on from; nil for none.
func (c *call) branchOf(n runName, config string) (*branchPoint, error) {
	var own struct {
		Branch *branchPoint `json:"branch_point"`
	}
	if json.Unmarshal([]byte(wandbConfig(config)), &own) != nil || own.Branch == nil || own.Branch.Run == n.Run {
		return nil, nil
	}
	from, err := c.loadRun(c.ctx, newRunName(n.Entity, n.Project, own.Branch.Run))
	if track.CodeOf(err) == track.NotFound {
		if _, e := c.loadRun(c.ctx, n); e == nil {
			return nil, nil // it was deleted meanwhile
		}
	}
	own.Branch.from = from
	return own.Branch, err
}

// fork gives a run the history that it goes on from, and the media in it.
func (c *call) fork(r *run, b *branchPoint) error {
	defer c.locks.Lock(r.key())()
	if err := c.copyHistory(b.from, r, int64(b.Step)); err != nil {
		return err
	}
	return c.copyFiles(b.from, r, "media/")
}
