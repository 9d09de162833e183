package wandb

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

func uintText(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// runObject describes a run.
func (c *call) runObject(r *run) object {
	n, _ := strconv.Atoi(projectNumber(r.runName))
	count := func(stream string) resolver {
		return func(args) (any, error) { return c.store.CountLines(c.ctx, r.ID, stream) }
	}
	tail := func(stream string) resolver {
		return func(args) (any, error) { return c.tail(r, stream) }
	}
	config := string(r.Config)
	if config == "" {
		config = "{}"
	}
	return object{
		"__typename": "Run", "id": r.id(), "internalId": r.id(), "projectId": n, "name": r.Run, "displayName": cmp.Or(r.DisplayName, r.Run), "description": null(r.Description),
		"notes": null(r.Notes), "config": config, "rawconfig": config, "tags": r.tags(), "group": null(r.Group), "jobType": null(r.JobType), "sweepName": null(r.Sweep), "state": r.State,
		"commit": null(r.Commit), "host": null(r.Host), "readOnly": false, "stopped": r.Stopped, "createdAt": stamp(r.Created), "heartbeatAt": stamp(r.Heartbeat), "updatedAt": stamp(r.Heartbeat),
		"user":           object{"__typename": "User", "id": "user", "name": defaultEntity, "username": defaultEntity},
		"project":        resolver(func(args) (any, error) { return c.project(r.Entity, r.Project), nil }),
		"entity":         entityObject(r.Entity),
		"summaryMetrics": resolver(func(args) (any, error) { return c.summary(c.ctx, r) }),
		"systemMetrics":  resolver(func(args) (any, error) { return c.lastRow(r, eventsStream) }),
		"wandbConfig":    resolver(func(args) (any, error) { return wandbConfig(config), nil }),

		"historyLineCount": count(historyStream), "eventsLineCount": count(eventsStream), "logLineCount": count(outputStream),
		"eventsTail": tail(eventsStream),
		"historyTail": resolver(func(args) (any, error) {
			if err := c.askedToResume(r); err != nil {
				return nil, err
			}
			return c.tail(r, historyStream)
		}),
		"historyKeys":    resolver(func(args) (any, error) { return c.historyKeys(r) }),
		"history":        resolver(func(a args) (any, error) { return c.history(r, historyStream, a) }),
		"events":         resolver(func(a args) (any, error) { return c.history(r, eventsStream, a) }),
		"sampledHistory": resolver(func(a args) (any, error) { return c.sampledHistory(r, a) }),
		"parquetHistory": resolver(func(a args) (any, error) { return c.liveHistory(r, a) }),
		"logLines":       resolver(func(a args) (any, error) { return c.logLines(r) }),

		"fileCount": resolver(func(a args) (any, error) {
			p, err := c.runFiles(r, args{})
			if err != nil {
				return nil, err
			}
			return p.(object)["totalCount"], nil
		}),
		"files":           resolver(func(a args) (any, error) { return c.runFiles(r, a) }),
		"outputArtifacts": resolver(func(a args) (any, error) { return c.artifactPage(r.Logged, a) }),
		"inputArtifacts":  resolver(func(a args) (any, error) { return c.artifactPage(r.Used, a) }),
	}
}

func (r *run) tags() []string {
	if r.Tags == nil {
		return []string{}
	}
	return r.Tags
}

// null is a text, or null if there is none.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func wandbConfig(config string) string {
	var c struct {
		Own struct {
			Value json.RawMessage `json:"value"`
		} `json:"_wandb"`
	}
	if json.Unmarshal([]byte(config), &c) != nil || c.Own.Value == nil {
		return "{}"
	}
	return string(c.Own.Value)
}

// tail returns the last line of a stream as a list in JSON, which is how clients that
// resume a run want it.
func (c *call) tail(r *run, stream string) (string, error) {
	last, err := c.lastLine(r, stream)
	if err != nil || last == "" {
		return "[]", err
	}
	b, err := json.Marshal([]string{last})
	return string(b), err
}

func (c *call) lastLine(r *run, stream string) (string, error) {
	n, err := c.store.CountLines(c.ctx, r.ID, stream)
	if err != nil || n == 0 {
		return "", err
	}
	lines, err := c.store.Lines(c.ctx, track.LineQuery{RunID: r.ID, Stream: stream, From: n - 1})
	if err != nil || len(lines) == 0 {
		return "", err
	}
	return lines[0].Text, nil
}

func (c *call) lastRow(r *run, stream string) (string, error) {
	text, err := c.lastLine(r, stream)
	return cmp.Or(text, "{}"), err
}

// rows returns the rows of a stream whose steps are from min on and below max.
func (c *call) rows(r *run, stream string, min, max int64) ([]row, error) {
	from, err := c.lineOf(r, stream, min)
	if err != nil {
		return nil, err
	}
	to, err := c.lineOf(r, stream, max)
	if err != nil || from >= to {
		return nil, err
	}
	lines, err := c.store.Lines(c.ctx, track.LineQuery{RunID: r.ID, Stream: stream, From: from, To: to})
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(lines))
	for _, l := range lines {
		if values, err := parseObject(l.Text); err == nil {
			rows = append(rows, newRow(l, values))
		}
	}
	return rows, nil
}

// lineOf returns the number of the first line at a step or after it. Steps grow from
// line to line, so that it need not read them all.
func (c *call) lineOf(r *run, stream string, step int64) (int64, error) {
	if step == math.MinInt64 {
		return 0, nil
	}
	n, err := c.store.CountLines(c.ctx, r.ID, stream)
	if err != nil || step == math.MaxInt64 {
		return n, err
	}
	at := sort.Search(int(n), func(i int) bool {
		lines, e := c.store.Lines(c.ctx, track.LineQuery{RunID: r.ID, Stream: stream, From: int64(i), Max: 1})
		if e != nil || len(lines) == 0 {
			err = errors.Join(err, e)
			return true
		}
		values, e := parseObject(lines[0].Text)
		return e == nil && historyPoint(values, lines[0].Number).step >= step
	})
	return int64(at), err
}

// thin returns about n rows, evenly spread, the last among them.
func thin(rows []row, n int64) []row {
	if n <= 0 || int64(len(rows)) <= n {
		return rows
	}
	out := make([]row, 0, n)
	for i := range n {
		out = append(out, rows[(i+1)*int64(len(rows))/n-1])
	}
	return out
}

// history returns rows as texts.
func (c *call) history(r *run, stream string, a args) (any, error) {
	rows, err := c.rows(r, stream, a.int("minStep", math.MinInt64), a.int("maxStep", math.MaxInt64))
	if err != nil {
		return nil, err
	}
	texts := []string{}
	for _, row := range thin(rows, a.int("samples", 0)) {
		texts = append(texts, row.text)
	}
	return texts, nil
}

// spec says which part of a history is wanted.
type spec struct {
	Keys    []string `json:"keys"`
	MinStep *float64 `json:"minStep"`
	MaxStep *float64 `json:"maxStep"` // included
	Samples int64    `json:"samples"`
}

// sampledHistory returns, for each spec, the rows that have all of its keys.
func (c *call) sampledHistory(r *run, a args) (any, error) {
	texts, _ := a.texts("specs")
	out := [][]map[string]any{}
	for _, text := range texts {
		var sp spec
		if err := json.Unmarshal([]byte(text), &sp); err != nil {
			return nil, track.Errorf(track.InvalidParameter, "specs: %v", err)
		}
		min, max := int64(math.MinInt64), int64(math.MaxInt64)
		if sp.MinStep != nil {
			min = int64(*sp.MinStep)
		}
		if sp.MaxStep != nil {
			max = int64(*sp.MaxStep) + 1
		}
		rows, err := c.rows(r, historyStream, min, max)
		if err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(x row) bool { return len(pick(x, sp.Keys)) < len(unique(sp.Keys)) })
		list := []map[string]any{}
		for _, row := range thin(rows, sp.Samples) {
			list = append(list, pick(row, sp.Keys))
		}
		out = append(out, list)
	}
	return out, nil
}

func unique(keys []string) []string {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// pick returns the values of keys; keys with dots lead into tables. Without keys it
// is all of the row.
func pick(x row, keys []string) map[string]any {
	if len(keys) == 0 {
		return x.values
	}
	out := map[string]any{}
	for _, key := range keys {
		if key == "_step" {
			out[key] = x.step
			continue
		}
		if v, ok := lookup(x.values, key); ok {
			out[key] = v
		}
	}
	return out
}

func lookup(m map[string]any, key string) (any, bool) {
	if v, ok := m[key]; ok {
		return v, true
	}
	head, rest, ok := strings.Cut(key, ".")
	if sub, is := m[head].(map[string]any); ok && is {
		return lookup(sub, rest)
	}
	return nil, false
}

// liveHistory returns the rows that are in no file of their own yet, which is all.
func (c *call) liveHistory(r *run, a args) (any, error) {
	rows, err := c.rows(r, historyStream, math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	keys, _ := a.texts("liveKeys")
	live := []map[string]any{}
	for _, row := range rows {
		live = append(live, pick(row, keys))
	}
	return object{"parquetUrls": []string{}, "liveData": live}, nil
}

// historyKeys says which keys the history has, how often and of which types.
func (c *call) historyKeys(r *run) (any, error) {
	rows, err := c.rows(r, historyStream, math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	type info struct {
		counts map[string]int
		last   any
	}
	keys, last := map[string]*info{}, int64(0)
	for _, row := range rows {
		last = max(last, row.step)
		for key, value := range row.values {
			k := keys[key]
			if k == nil {
				k = &info{counts: map[string]int{}}
				keys[key] = k
			}
			k.counts[typeOf(value)]++
			k.last = value
		}
	}
	out := map[string]any{}
	for key, k := range keys {
		counts := []any{}
		for name, n := range k.counts {
			counts = append(counts, map[string]any{"type": name, "count": n})
		}
		out[key] = map[string]any{"typeCounts": counts, "monotonic": false, "previousValue": k.last}
	}
	return map[string]any{"keys": out, "lastStep": last, "sets": []any{}}, nil
}

func typeOf(v any) string {
	switch v := v.(type) {
	case float64:
		return "number"
	case string:
		return "string"
	case map[string]any:
		if t, ok := v["_type"].(string); ok {
			return t
		}
		return "map"
	case []any:
		return "list"
	}
	return "nil"
}

func (c *call) logLines(r *run) (any, error) {
	lines, err := c.store.Lines(c.ctx, track.LineQuery{RunID: r.ID, Stream: outputStream})
	if err != nil {
		return nil, err
	}
	edges := []object{}
	for _, l := range lines {
		edges = append(edges, object{"node": object{"__typename": "LogLine", "line": l.Text, "number": l.Number, "level": nil, "timestamp": nil, "label": nil}, "cursor": fmt.Sprint(l.Number)})
	}
	return object{"edges": edges, "pageInfo": object{"__typename": "PageInfo", "hasNextPage": false, "endCursor": nil}}, nil
}
