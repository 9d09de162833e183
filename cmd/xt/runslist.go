package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/track"
)

func (a *app) runsListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list runs, the newest first",
		Description: "--filter and --order-by are in MLflow's grammar. A sparkline after a metric is its course.\n\n" +
			"examples:\n   xt runs list\n   xt runs list --filter \"metrics.val_loss < 0.1 and params.lr = '0.01'\" --order-by \"metrics.val_loss ASC\"\n" +
			"   xt runs list --metric val_loss --param lr -n 50\n   xt runs list --csv > runs.csv",
		Flags: append(storeFlags(),
			jsonFlag(),
			&cli.BoolFlag{Name: "csv", Usage: "write all columns as CSV"},
			&cli.StringFlag{Name: "filter", Usage: "only runs of which `FILTER` is true"},
			&cli.StringSliceFlag{Name: "order-by", Usage: "sort by `KEY [ASC|DESC]`"},
			&cli.StringSliceFlag{Name: "experiment", Usage: "only of the experiment `NAME`"},
			&cli.StringSliceFlag{Name: "metric", Usage: "a column for the metric `KEY`; by default those that most runs have"},
			&cli.StringSliceFlag{Name: "param", Usage: "a column for the parameter `KEY`; by default those that differ"},
			&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Value: 20, Usage: "list at most `N`; 0 for all"},
			&cli.BoolFlag{Name: "deleted", Usage: "list the deleted ones"},
		),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageErrorf("xt runs list takes no operands; --filter says which runs")
			}
			return a.withRuns(c, func(ctx context.Context, s track.Store) error { return a.listRuns(ctx, c, s) })
		},
	}
}

func (a *app) listRuns(ctx context.Context, c *cli.Context, s track.Store) error {
	if err := closeAbandoned(ctx, s); err != nil {
		return err
	}
	in, err := experimentIDs(ctx, s, c.StringSlice("experiment"))
	if err != nil {
		return err
	}
	q := track.RunSearch{Search: track.Search{Filter: c.String("filter"), OrderBy: c.StringSlice("order-by")}, Experiments: in}
	if c.Bool("deleted") {
		q.View = track.DeletedOnly
	}
	runs, more, err := searchRuns(ctx, s, q, c.Int("last"))
	if err != nil {
		return err
	}
	switch {
	case c.Bool("json"):
		return a.writeJSON(jsonRuns(runs))
	case c.Bool("csv"):
		return a.writeRunsCSV(runs)
	case len(runs) == 0 && q.Filter != "":
		a.term.Sayf("no run is like that")
		return nil
	case len(runs) == 0:
		a.term.Sayf("there are no runs yet: \"xt repro\" and \"xt run\" make some")
		return nil
	}
	t := &runTable{runs: runs, metrics: c.StringSlice("metric"), params: c.StringSlice("param")}
	t.choose()
	if err := t.sample(ctx, s); err != nil {
		return err
	}
	a.table(t.rows(), false)
	if more {
		a.term.Sayf("there are more: -n %d", 2*c.Int("last"))
	}
	return nil
}

// searchRuns returns up to most runs, 0 for all, and whether there are more.
func searchRuns(ctx context.Context, s track.Store, q track.RunSearch, most int) (runs []track.Run, more bool, err error) {
	for {
		q.Max = 1000
		if most > 0 {
			q.Max = min(q.Max, most-len(runs))
		}
		page, err := s.SearchRuns(ctx, q)
		if err != nil {
			return nil, false, queryError(err)
		}
		runs = append(runs, page.Items...)
		if q.PageToken = page.Next; page.Next == "" || len(runs) == most {
			return runs, page.Next != "", nil
		}
	}
}

// queryError tells a mistake in a query from other errors.
func queryError(err error) error {
	if track.CodeOf(err) == track.InvalidParameter {
		return &usageError{msg: err.Error(), hints: []string{"such as --filter \"metrics.loss < 0.1 and params.lr = '0.01'\" --order-by \"metrics.loss ASC\""}}
	}
	return err
}

// runTable is runs with some of their parameters and metrics.
type runTable struct {
	runs    []track.Run
	metrics []string
	params  []string
	curves  map[[2]string][]float64 // by run and metric
}

const autoColumns = 3

// choose takes the columns that tell most, where none were asked for.
func (t *runTable) choose() {
	if len(t.metrics) == 0 {
		count := map[string]int{}
		for i := range t.runs {
			for _, m := range t.runs[i].Metrics {
				if !strings.HasPrefix(m.Key, "system/") { // of the machine, and not of the work
					count[m.Key]++
				}
			}
		}
		t.metrics = mostFrequent(count)
	}
	if len(t.params) > 0 {
		return
	}
	values := map[string]map[string]bool{}
	count := map[string]int{}
	for i := range t.runs {
		for _, p := range t.runs[i].Params {
			if values[p.Key] == nil {
				values[p.Key] = map[string]bool{}
			}
			values[p.Key][p.Value] = true
			count[p.Key]++
		}
	}
	for key, n := range count {
		if len(values[key]) < 2 && n == len(t.runs) && n > 1 {
			delete(count, key) // all have the same
		}
	}
	t.params = mostFrequent(count)
}

func mostFrequent(count map[string]int) []string {
	keys := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b))
	})
	return keys[:min(autoColumns, len(keys))]
}

const sparkWidth = 8

// sample reads the courses of the metrics.
func (t *runTable) sample(ctx context.Context, s track.Store) error {
	t.curves = map[[2]string][]float64{}
	ids := make([]string, len(t.runs))
	for i := range t.runs {
		ids[i] = t.runs[i].ID
	}
	for _, key := range t.metrics {
		points, err := s.SampleHistory(ctx, track.SampleQuery{RunIDs: ids, Key: key, Max: sparkWidth})
		if err != nil {
			return err
		}
		for _, p := range points {
			k := [2]string{p.RunID, key}
			t.curves[k] = append(t.curves[k], p.Value)
		}
	}
	return nil
}

func (t *runTable) rows() [][]string {
	head := append(append([]string{"run", "name", "kind", "status", "started", "took"}, t.params...), t.metrics...)
	rows := [][]string{head}
	for i := range t.runs {
		r := &t.runs[i]
		row := []string{shortID(r.ID), shown(track.Clip(r.Name, 32)), kindWords(r), strings.ToLower(string(r.Status)), whenWords(r.Start), tookWords(r)}
		for _, key := range t.params {
			row = append(row, shown(track.Clip(paramOf(r, key), 24)))
		}
		for _, key := range t.metrics {
			row = append(row, t.metric(r, key))
		}
		rows = append(rows, row)
	}
	return rows
}

func (t *runTable) metric(r *track.Run, key string) string {
	for _, m := range r.Metrics {
		if m.Key == key {
			return strings.TrimSpace(floatWords(m.Value) + " " + term.Sparkline(t.curves[[2]string{r.ID, key}]))
		}
	}
	return "-"
}

func paramOf(r *track.Run, key string) string {
	for _, p := range r.Params {
		if p.Key == key {
			return p.Value
		}
	}
	return "-"
}

func kindWords(r *track.Run) string {
	switch o := r.Origin; {
	case o == nil:
		return "client"
	case o.Stage != "":
		return string(o.Kind) + " " + o.Stage
	default:
		return string(o.Kind)
	}
}

func whenWords(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).Local().Format("2006-01-02 15:04:05")
}

func tookWords(r *track.Run) string {
	if r.End == 0 || r.Start == 0 {
		return "-"
	}
	return term.Duration(time.Duration(r.End-r.Start) * time.Millisecond)
}

func floatWords(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }

// runJSON is a run for programs.
type runJSON struct {
	ID         string             `json:"run_id"`
	Name       string             `json:"name"`
	Experiment string             `json:"experiment_id"`
	Status     track.Status       `json:"status"`
	User       string             `json:"user,omitempty"`
	Start      int64              `json:"start_time_ms"`
	End        int64              `json:"end_time_ms,omitempty"`
	Deleted    bool               `json:"deleted,omitempty"`
	Params     map[string]string  `json:"params"`
	Metrics    map[string]jsonNum `json:"metrics"`
	Tags       map[string]string  `json:"tags"`
	Artifacts  string             `json:"artifact_uri"`
	Origin     *originJSON        `json:"origin,omitempty"`
}

type originJSON struct {
	Kind        track.Kind `json:"kind"`
	Stage       string     `json:"stage,omitempty"`
	Command     string     `json:"command"`
	Fingerprint string     `json:"fingerprint,omitempty"`
	Commit      string     `json:"commit,omitempty"`
	Dirty       bool       `json:"dirty"`
	Diff        string     `json:"diff_blake3,omitempty"`
	Log         string     `json:"log_blake3,omitempty"`
	ExitCode    int        `json:"exit_code"`
	Duration    int64      `json:"duration_ms"`
	Lock        string     `json:"lock,omitempty"`
}

// jsonNum is a number that may be none that JSON has: "NaN", "Infinity",
// "-Infinity" are then texts.
type jsonNum float64

// MarshalJSON implements json.Marshaler.
func (n jsonNum) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return strconv.AppendFloat(nil, f, 'g', -1, 64), nil
	}
}

func jsonRuns(runs []track.Run) []runJSON {
	out := make([]runJSON, len(runs))
	for i := range runs {
		out[i] = jsonRun(&runs[i])
	}
	return out
}

func jsonRun(r *track.Run) runJSON {
	j := runJSON{
		ID: r.ID, Name: r.Name, Experiment: track.FormatExperimentID(r.Experiment), Status: r.Status, User: r.User, Start: r.Start, End: r.End,
		Deleted: r.Lifecycle == track.Deleted, Artifacts: r.ArtifactURI,
		Params: map[string]string{}, Metrics: map[string]jsonNum{}, Tags: map[string]string{},
	}
	for _, p := range r.Params {
		j.Params[p.Key] = p.Value
	}
	for _, m := range r.Metrics {
		j.Metrics[m.Key] = jsonNum(m.Value)
	}
	for _, t := range r.Tags {
		j.Tags[t.Key] = t.Value
	}
	if o := r.Origin; o != nil {
		j.Origin = &originJSON{o.Kind, o.Stage, o.Command, o.Fingerprint, o.Commit, o.Dirty, o.Diff, o.Log, o.ExitCode, o.Duration, o.Lock}
	}
	return j
}

// writeRunsCSV writes runs with all that any of them has, a column each.
func (a *app) writeRunsCSV(runs []track.Run) error {
	params, metrics := map[string]bool{}, map[string]bool{}
	for i := range runs {
		for _, p := range runs[i].Params {
			params[p.Key] = true
		}
		for _, m := range runs[i].Metrics {
			metrics[m.Key] = true
		}
	}
	w := csv.NewWriter(a.term.Out)
	head := []string{"run_id", "name", "experiment_id", "kind", "status", "start_time_ms", "end_time_ms"}
	ps, ms := slices.Sorted(maps.Keys(params)), slices.Sorted(maps.Keys(metrics))
	for _, k := range ps {
		head = append(head, "params."+k)
	}
	for _, k := range ms {
		head = append(head, "metrics."+k)
	}
	_ = w.Write(head) // Error tells
	for i := range runs {
		_ = w.Write(csvRow(&runs[i], ps, ms))
	}
	w.Flush()
	return w.Error()
}

func csvRow(r *track.Run, params, metrics []string) []string {
	j := jsonRun(r)
	row := []string{r.ID, r.Name, j.Experiment, kindWords(r), string(r.Status), fmt.Sprint(r.Start), fmt.Sprint(r.End)}
	for _, k := range params {
		row = append(row, j.Params[k])
	}
	for _, k := range metrics {
		text := ""
		if f, ok := j.Metrics[k]; ok {
			text = strconv.FormatFloat(float64(f), 'g', -1, 64)
		}
		row = append(row, text)
	}
	return row
}
