package web

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

// Limits of answers. What is cut is there in full on the page of the run.
const (
	maxRuns   = 2000 // in a page
	maxNamed  = 500
	maxText   = 300 // of a value in a table
	maxValues = 400 // of a run in a table, if it is not said which
	maxGroups = 1000
	maxKeys   = 5000
)

type shownExperiment struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Deleted bool   `json:"deleted,omitempty"`
	Created int64  `json:"created"`
}

func (c *call) experiments() (any, error) {
	all, err := c.allExperiments(track.All)
	list := []shownExperiment{}
	for _, e := range all {
		list = append(list, shownExperiment{e.ID, e.Name, e.Lifecycle == track.Deleted, e.Created})
	}
	return list, err
}

func (c *call) allExperiments(view track.View) ([]track.Experiment, error) {
	page, err := c.store.SearchExperiments(c.r.Context(), track.ExperimentSearch{Search: track.Search{Max: 50_000}, View: view})
	return page.Items, err
}

// search reads which runs are meant.
func (c *call) search() (s track.RunSearch, err error) {
	s.Filter, s.Bare = c.query.Get("q"), true
	for _, order := range c.query["order"] {
		if order != "" {
			s.OrderBy = append(s.OrderBy, order)
		}
	}
	if c.query.Get("deleted") == "1" {
		s.View = track.DeletedOnly
	}
	if s.Max, err = c.number("max", 100, 1, maxRuns); err != nil {
		return s, err
	}
	at, err := c.number("at", 0, 0, 1<<40)
	if err != nil {
		return s, err
	}
	if at > 0 {
		s.PageToken = track.OffsetToken(at)
	}
	s.Experiments, err = c.searchedExperiments(s.View)
	return s, err
}

// searchedExperiments returns those of the query, or all.
func (c *call) searchedExperiments(view track.View) ([]int64, error) {
	var ids []int64
	for _, text := range c.query["exp"] {
		id, err := track.ParseExperimentID(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if ids != nil {
		return ids, nil
	}
	if view != track.ActiveOnly {
		view = track.All
	}
	all, err := c.allExperiments(view)
	for _, e := range all {
		ids = append(ids, e.ID)
	}
	return ids, err
}

// shownRun is a run in a table.
type shownRun struct {
	ID         string              `json:"id"`
	Experiment int64               `json:"exp"`
	Name       string              `json:"name"`
	User       string              `json:"user,omitempty"`
	Status     track.Status        `json:"status"`
	Start      int64               `json:"start"`
	End        int64               `json:"end,omitempty"`
	Deleted    bool                `json:"deleted,omitempty"`
	Params     map[string]string   `json:"params"`
	Metrics    map[string][2]Value `json:"metrics"` // the latest value, and its step
	Tags       map[string]string   `json:"tags"`
	More       int                 `json:"more,omitempty"` // values that were left out
}

// runs answers with those that a search finds, or those that are named, as they are
// named.
func (c *call) runs() (any, error) {
	s, err := c.search()
	ids := c.query["run"]
	if len(ids) > 0 && err == nil {
		s.Filter, err = filterOf(ids)
		s.Max = len(ids)
	}
	if err != nil {
		return nil, err
	}
	page, err := c.store.SearchRuns(c.r.Context(), s)
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		slices.SortFunc(page.Items, func(a, b track.Run) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
	}
	wanted := map[string]bool{}
	for _, key := range c.query["key"] {
		wanted[key] = true
	}
	runs := []shownRun{}
	for i := range page.Items {
		runs = append(runs, newShownRun(&page.Items[i], wanted))
	}
	return struct {
		Runs []shownRun `json:"runs"`
		More bool       `json:"more"`
	}{runs, page.Next != ""}, nil
}

// filterOf returns the filter that finds some runs. What can be the number of none is
// not there, as one that was deleted.
func filterOf(ids []string) (string, error) {
	if len(ids) > maxNamed {
		return "", track.Errorf(track.InvalidParameter, "Name up to %d runs.", maxNamed)
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !plainID.MatchString(id) })
	return "attributes.run_id IN ('" + strings.Join(ids, "', '") + "')", nil
}

// newShownRun returns what a table shows of a run: the values that are wanted, or if
// it is not said which, as many as are reasonable.
func newShownRun(r *track.Run, wanted map[string]bool) shownRun {
	s := shownRun{
		ID: r.ID, Experiment: r.Experiment, Name: track.Clip(r.Name, maxText), User: r.User, Status: r.Status, Start: r.Start, End: r.End,
		Deleted: r.Lifecycle == track.Deleted, Params: map[string]string{}, Metrics: map[string][2]Value{}, Tags: map[string]string{},
	}
	left := maxValues
	take := func(kind, key string) bool {
		if len(wanted) > 0 {
			return wanted[kind+key]
		}
		if left--; left < 0 {
			s.More++
		}
		return left >= 0
	}
	for _, m := range r.Metrics {
		if take("metrics.", m.Key) {
			s.Metrics[m.Key] = [2]Value{Value(m.Value), Value(m.Step)}
		}
	}
	for _, p := range r.Params {
		if take("params.", p.Key) {
			s.Params[p.Key] = track.Clip(p.Value, maxText)
		}
	}
	for _, t := range r.Tags {
		if isShownTag(t.Key) || take("tags.", t.Key) {
			s.Tags[t.Key] = track.Clip(t.Value, maxText)
		}
	}
	return s
}

// isShownTag reports whether the page needs a tag whatever its columns are.
func isShownTag(key string) bool { return key == track.ParentRunTag || key == "xt.verdict" }

// summaries returns the store as one that can sum up.
func (c *call) summaries() (track.Summaries, error) {
	if s, ok := c.store.(track.Summaries); ok {
		return s, nil
	}
	return nil, track.Errorf(track.InvalidState, "This store cannot sum up.")
}

func (c *call) count() (any, error) {
	s, err := c.search()
	if err != nil {
		return nil, err
	}
	sums, err := c.summaries()
	if err != nil {
		return nil, err
	}
	n, err := sums.CountRuns(c.r.Context(), s)
	return map[string]int64{"count": n}, err
}

// shownGroup is a group of runs in a table.
type shownGroup struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Runs  int64  `json:"runs"`
}

func (c *call) groups() (any, error) {
	s, err := c.search()
	if err != nil {
		return nil, err
	}
	by, err := groupKey(c.query.Get("by"))
	if err != nil {
		return nil, err
	}
	sums, err := c.summaries()
	if err != nil {
		return nil, err
	}
	s.Max = maxGroups
	groups, err := sums.GroupRuns(c.r.Context(), s, by)
	if err != nil {
		return nil, err
	}
	total, err := sums.CountRuns(c.r.Context(), s)
	if err != nil {
		return nil, err
	}
	labels, err := c.labels(by, groups)
	list := []shownGroup{}
	for _, g := range groups {
		label := g.Value
		if l, ok := labels[g.Value]; ok {
			label = l
		}
		list = append(list, shownGroup{g.Value, label, g.Runs})
		total -= g.Runs
	}
	return struct {
		Groups []shownGroup `json:"groups"`
		Rest   int64        `json:"rest"` // runs that are in none
	}{list, total}, err
}

func groupKey(text string) (track.GroupKey, error) {
	kind, key, _ := strings.Cut(text, ".")
	switch {
	case text == "experiment":
		return track.GroupKey{Kind: track.ByExperiment}, nil
	case kind == "tags" && key != "":
		return track.GroupKey{Kind: track.ByTag, Key: key}, nil
	case kind == "params" && key != "":
		return track.GroupKey{Kind: track.ByParam, Key: key}, nil
	}
	return track.GroupKey{}, track.Errorf(track.InvalidParameter, "Runs are grouped by experiment, tags.KEY or params.KEY, not by %q.", text)
}

// labels returns what groups are called whose values are numbers of something.
func (c *call) labels(by track.GroupKey, groups []track.Group) (map[string]string, error) {
	labels := map[string]string{}
	switch {
	case by.Kind == track.ByExperiment:
		all, err := c.allExperiments(track.All)
		for _, e := range all {
			labels[strconv.FormatInt(e.ID, 10)] = e.Name
		}
		return labels, err
	case by.Kind == track.ByTag && by.Key == track.ParentRunTag:
		for _, g := range groups {
			name, err := c.nameOf(c.r.Context(), g.Value)
			if err != nil {
				return nil, err
			}
			labels[g.Value] = name
		}
	}
	return labels, nil
}

// nameOf returns the name of a run; its number if it is not there.
func (c *call) nameOf(ctx context.Context, id string) (string, error) {
	r, err := c.store.Run(ctx, id)
	switch {
	case track.CodeOf(err) == track.NotFound || err == nil && r.Name == "":
		return id, nil
	case err != nil:
		return "", err
	}
	return r.Name, nil
}

func (c *call) keys() (any, error) {
	sums, err := c.summaries()
	if err != nil {
		return nil, err
	}
	k, err := sums.RunKeys(c.r.Context(), maxKeys)
	return map[string][]string{"params": orEmpty(k.Params), "metrics": orEmpty(k.Metrics), "tags": orEmpty(k.Tags)}, err
}

// orEmpty is the list that JSON has none for.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
