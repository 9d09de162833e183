package wandb

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

// runs lists the runs of a project that a filter finds, in an order.
func (c *call) runs(n runName, a args) (any, error) {
	found, err := c.search(n, a)
	if err != nil {
		return nil, err
	}
	list := make([]object, len(found))
	for i, f := range found {
		list[i] = c.runObject(f.run)
	}
	return page(a, list), nil
}

// candidate is a run with what a filter may ask about, which is read when it does.
type candidate struct {
	*run
	c       *call
	config  map[string]any
	summary map[string]any
	err     error
}

// search returns the runs of a project that a filter finds.
func (c *call) search(n runName, a args) ([]*candidate, error) {
	filter, err := parseFilter(a.text("filters"))
	if err != nil {
		return nil, err
	}
	records, err := c.store.Records(c.ctx, runKind, projectKey(n.Entity, n.Project))
	if err != nil {
		return nil, err
	}
	there, err := c.there(n)
	if err != nil {
		return nil, err
	}
	var found []*candidate
	for _, rec := range records {
		r := new(run)
		if err := json.Unmarshal([]byte(rec.Value), r); err != nil {
			return nil, err
		}
		if !there[r.ID] {
			continue
		}
		if r.State == running && r.silent() {
			r.State = crashed
		}
		x := &candidate{run: r, c: c}
		is := filter.matches(x)
		if x.err != nil {
			return nil, x.err
		}
		if is {
			found = append(found, x)
		}
	}
	inOrder(found, cmp.Or(a.text("order"), "+created_at"))
	return found, nil
}

// there returns the runs of a project that were not deleted, in whatever way.
func (c *call) there(n runName) (map[string]bool, error) {
	e, err := c.store.ExperimentByName(c.ctx, n.Project)
	if track.CodeOf(err) == track.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for s := (track.RunSearch{Search: track.Search{Max: 1000}, Experiments: []int64{e.ID}, Bare: true}); ; {
		page, err := c.store.SearchRuns(c.ctx, s)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			ids[page.Items[i].ID] = true
		}
		if s.PageToken = page.Next; page.Next == "" {
			return ids, nil
		}
	}
}

// value implements fields.
func (x *candidate) value(key string) any {
	switch head, rest, _ := strings.Cut(key, "."); head {
	case "config":
		if x.config == nil {
			_ = json.Unmarshal(x.Config, &x.config) // it was checked when it was stored
		}
		return inConfig(x.config, rest)
	case "summary_metrics", "summaryMetrics", "summary":
		if x.summary == nil {
			text, err := x.c.Server.summary(x.c.ctx, x.run)
			if err == nil {
				x.summary, err = parseObject(text)
			}
			x.err = err
		}
		v, _ := lookup(x.summary, rest)
		return v
	}
	switch key {
	case "name":
		return x.Run
	case "displayName", "display_name":
		return cmp.Or(x.DisplayName, x.Run)
	case "state":
		return x.State
	case "group":
		return null(x.Group)
	case "jobType", "job_type":
		return null(x.JobType)
	case "sweep":
		return null(x.Sweep)
	case "host":
		return null(x.Host)
	case "notes":
		return null(x.Notes)
	case "username", "user", "user.username":
		return defaultEntity
	case "tags":
		list := make([]any, len(x.Tags))
		for i, t := range x.Tags {
			list[i] = t
		}
		return list
	case "createdAt", "created_at":
		return time.UnixMilli(x.Created)
	case "heartbeatAt", "heartbeat_at", "updatedAt", "updated_at":
		return time.UnixMilli(x.Heartbeat)
	case "duration":
		return float64(x.Heartbeat-x.Created) / 1000
	}
	return nil
}

// inConfig looks a value up as "KEY.value" or "KEY".
func inConfig(config map[string]any, key string) any {
	if v, ok := lookup(config, key); ok {
		if m, is := v.(map[string]any); is {
			if inner, ok := m["value"]; ok {
				return inner
			}
		}
		return v
	}
	// A key below the value of another.
	head, rest, ok := strings.Cut(key, ".")
	if m, is := config[head].(map[string]any); ok && is {
		if table, is := m["value"].(map[string]any); is {
			v, _ := lookup(table, strings.TrimPrefix(rest, "value."))
			return v
		}
	}
	return nil
}
