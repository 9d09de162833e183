package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/registry"
)

func (a *app) modelListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Aliases:   []string{"ls"},
		Usage:     "list the versions of models, and the stages that they are in",
		ArgsUsage: "[NAME…]",
		Description: "The newest version of each model comes first. A stage in parentheses was given to another version\n" +
			"since, which is what NAME@STAGE means.\n\n" +
			"examples:\n   xt model list\n   xt model list digits --json",
		Flags:  []cli.Flag{jsonFlag(), mdFlag(), &cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "also versions that were deregistered, and deprecated models"}},
		Action: a.modelList,
	}
}

// listedVersion is the JSON of a version in a list.
type listedVersion struct {
	Model        string         `json:"model"`
	Version      string         `json:"version"`
	Number       int            `json:"number"` // 0: a commit that is in a stage, and no version
	Commit       string         `json:"commit"`
	Stages       []listedStage  `json:"stages"`
	Aliases      []string       `json:"aliases"`
	Deregistered bool           `json:"deregistered"`
	Time         time.Time      `json:"time"`
	By           string         `json:"by"`
	Email        string         `json:"email"`
	Path         string         `json:"path,omitempty"`
	BLAKE3       string         `json:"blake3,omitempty"`
	Metrics      map[string]any `json:"metrics"`
}

type listedStage struct {
	Stage  string    `json:"stage"`
	Leads  bool      `json:"leads"` // whether NAME@STAGE means this version
	Since  time.Time `json:"since"`
	By     string    `json:"by"`
	Tag    string    `json:"tag"`
	Signed string    `json:"signature,omitempty"` // in xt model show
}

func newListedVersion(m *registry.Model, v *registry.Version) listedVersion {
	n, first := v.Note(), v.Events[0]
	l := listedVersion{Model: m.Name, Version: v.Name, Number: v.Number, Commit: v.Commit, Stages: listedStages(m, v), Aliases: append([]string{}, v.Aliases...),
		Deregistered: v.Deregistered, Time: first.By.Time, By: first.By.Name, Email: first.By.Email, Path: n.Path, Metrics: jsonMetrics(n.Metrics)}
	if !n.Node.IsZero() {
		l.BLAKE3 = n.Node.Sum.String()
	}
	return l
}

func listedStages(m *registry.Model, v *registry.Version) []listedStage {
	list := []listedStage{}
	for _, h := range v.Stages() {
		list = append(list, listedStage{Stage: h.Stage, Leads: m.Leads(v, h.Stage), Since: h.Since.By.Time, By: h.Since.By.Name, Tag: h.Since.Tag})
	}
	return list
}

func jsonMetrics(metrics map[string]float64) map[string]any {
	out := map[string]any{}
	for k, v := range metrics {
		out[k] = jsonValue(v)
	}
	return out
}

func (a *app) modelList(c *cli.Context) error {
	m, err := a.openModels()
	if err != nil {
		return err
	}
	s, err := m.Load()
	if err != nil {
		return err
	}
	names := s.Names()
	if c.NArg() > 0 {
		names = nil
	}
	for _, arg := range c.Args().Slice() {
		model, err := s.Model(m.full(arg))
		if err != nil {
			return err
		}
		names = append(names, model.Name)
	}
	list := []listedVersion{}
	for _, name := range names {
		model := s.Models[name]
		if model.Deprecated && !c.Bool("all") && c.NArg() == 0 {
			continue
		}
		for _, v := range slices.Backward(model.All()) {
			if v.Active() || c.Bool("all") {
				list = append(list, newListedVersion(model, v))
			}
		}
	}
	a.warnSkipped(s)
	if c.Bool("json") {
		return a.writeJSON(list)
	}
	a.printModels(list, c.Bool("md"))
	return nil
}

// warnSkipped tells of tags that look like those of models, and do not count.
func (a *app) warnSkipped(s *registry.State) {
	const most = 5
	for i, k := range s.Skipped {
		if i == most {
			a.term.Warnf("and %d more tags that do not count", len(s.Skipped)-most)
			return
		}
		a.term.Warnf("tag %s does not count: %s", shown(k.Tag), shown(k.Why))
	}
}

func (a *app) printModels(list []listedVersion, md bool) {
	if len(list) == 0 {
		a.term.Sayf("there are none")
		return
	}
	rows := [][]string{{"model", "version", "number", "stages", "when", "who", "metrics"}}
	for _, v := range list {
		version, number := shortCommit(v.Version), fmt.Sprint(v.Number)
		if v.Deregistered {
			version += ", deregistered"
		}
		if v.Number == 0 {
			number = "-"
		}
		rows = append(rows, []string{v.Model, version, number, stageWords(v.Stages), v.Time.Format("2006-01-02 15:04"), shown(v.By), metricsWords(v.Metrics, 3)})
	}
	a.table(rows, md)
}

func stageWords(stages []listedStage) string {
	if len(stages) == 0 {
		return "-"
	}
	var words []string
	for _, s := range stages {
		if s.Leads {
			words = append(words, s.Stage)
		} else {
			words = append(words, "("+s.Stage+")")
		}
	}
	return strings.Join(words, ", ")
}

// metricsWords names the first few metrics.
func metricsWords(metrics map[string]any, most int) string {
	var words []string
	for i, k := range slices.Sorted(maps.Keys(metrics)) {
		if i == most {
			words = append(words, "…")
			break
		}
		words = append(words, shown(shorten(k, 30))+" "+metricText(metrics[k]))
	}
	return strings.Join(words, ", ")
}

// metricText spells a metric: tags have no integers of their own.
func metricText(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.6g", f)
	}
	return fmt.Sprint(v)
}
