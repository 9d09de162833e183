package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "run stages once more and compare what they make with xt.lock",
		ArgsUsage: "[STAGE…]",
		Description: "Proves that results can be made again: runs each stage, or those named, from the inputs that\n" +
			"xt.lock records, in a clean directory that holds only what the stage declares, with no more\n" +
			"of your environment than it declares, and compares each output with the recorded one. The\n" +
			"workspace and xt.lock stay as they are. Exits with 1 unless every output is the same, or\n" +
			"within the tolerance that xt.toml allows it.\n\n" +
			"examples:\n   xt verify\n   xt verify train -n 3          # three times\n   xt verify --sample 20%        # a fifth of the stages, the same ones each time\n   xt verify --pull -j 4         # in a fresh clone\n" +
			"   xt verify --attest            # and sign what comes of it\n   xt verify --attestations      # who vouches for what xt.lock records?",
		Flags: append(attestFlags(),
			jsonFlag(),
			&cli.IntFlag{Name: "times", Aliases: []string{"n"}, Value: 1, Usage: "run each stage `N` times; at least twice where xt.lock does not have it yet"},
			&cli.StringFlag{Name: "sample", Usage: "verify only a part of the stages, chosen by the digests of their names: `PERCENT`"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 1, Usage: "verify `N` stages at a time"},
			&cli.BoolFlag{Name: "pull", Usage: "fetch from the remotes what is missing of inputs and recorded outputs"},
			&cli.BoolFlag{Name: "attestations", Usage: "run nothing: check the signed evidence that others left about what xt.lock records"},
			&cli.StringFlag{Name: "allowed-signers", Usage: "with --attestations, trust the keys in `FILE`"},
		),
		Action: a.verify,
	}
}

// verifyReport is the JSON of xt verify.
type verifyReport struct {
	Stages []verifiedStage `json:"stages"`
	OK     bool            `json:"ok"`
}

type verifiedStage struct {
	Stage      string            `json:"stage"`
	Verdict    pipeline.Verdict  `json:"verdict"`
	Outputs    []verifiedOutput  `json:"outputs"`
	Reasons    []pipeline.Reason `json:"reasons,omitempty"`
	Error      string            `json:"error,omitempty"`
	Hints      []string          `json:"hints,omitempty"`
	Seconds    float64           `json:"seconds"`
	Undeclared []string          `json:"undeclared,omitempty"`
	Log        string            `json:"log,omitempty"`
}

type verifiedOutput struct {
	Path    string           `json:"path"`
	Verdict pipeline.Verdict `json:"verdict"`
	Runs    bool             `json:"runs_differ,omitempty"` // from one another
	File    string           `json:"file,omitempty"`        // with the first difference
	Where   string           `json:"where,omitempty"`
	Want    string           `json:"want,omitempty"`
	Got     string           `json:"got,omitempty"`
}

func (a *app) verify(c *cli.Context) error {
	if c.Int("jobs") < 1 || c.Int("times") < 1 {
		return usageErrorf("--jobs and --times are numbers of at least 1")
	}
	if c.Bool("attestations") && (c.Bool("attest") || c.IsSet("times") || c.Bool("pull")) {
		return usageErrorf("--attestations runs nothing, and goes with none of --attest, --times and --pull")
	}
	if c.String("allowed-signers") != "" && !c.Bool("attestations") {
		return usageErrorf("--allowed-signers is for --attestations")
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	stages, err := w.Graph.Select(c.Args().Slice(), pipeline.SelectOptions{Single: c.NArg() > 0})
	if err != nil {
		return err
	}
	stages = slices.DeleteFunc(slices.Clone(stages), func(s *pipeline.Stage) bool { return s.Frozen && c.NArg() == 0 })
	if stages, err = sample(stages, c.String("sample")); err != nil {
		return err
	}
	if c.Bool("attestations") {
		return a.attestations(c, w, stages)
	}
	evidence, end, err := a.beginExecuting(c, w)
	if err != nil {
		return err
	}
	defer end()
	return a.verifyStages(c, w, stages, evidence)
}

func (a *app) verifyStages(c *cli.Context, w *pipeline.Workspace, stages []*pipeline.Stage, evidence *attester) error {
	begin := time.Now()
	progress := a.watch(w, "hashing")
	defer progress.Done()
	report := &verifyReport{Stages: []verifiedStage{}, OK: true}
	opts := pipeline.VerifyOptions{Times: c.Int("times"), Jobs: c.Int("jobs"), Pull: c.Bool("pull")}
	rep := &reporter{a: a, json: c.Bool("json"), hashing: progress}
	results, err := w.Verify(c.Context, stages, opts, rep, func(v *pipeline.Verified) { a.verdict(v) })
	if err := errors.Join(err, evidence.verified(c.Context, results, opts.Times)); err != nil {
		return err
	}
	counts := map[pipeline.Verdict]int{}
	for _, v := range results {
		report.Stages = append(report.Stages, newVerifiedStage(v))
		report.OK = report.OK && v.Verdict.Good()
		counts[v.Verdict]++
	}
	if c.Bool("json") {
		err = a.writeJSON(report)
	} else {
		a.term.Printf("%s: %s (%s)\n", plural(len(results), "stage"), verdictCounts(counts), since(begin))
	}
	if err == nil && !report.OK {
		err = errFailed
	}
	return err
}

// verdictCounts says how often there was which verdict.
func verdictCounts(counts map[pipeline.Verdict]int) string {
	var parts []string
	for _, v := range []pipeline.Verdict{pipeline.Identical, pipeline.WithinLimits, pipeline.Differs, pipeline.FailedAgain, pipeline.StaleEntry, pipeline.EditedEntry, pipeline.InputsMissing} {
		if n := counts[v]; n > 0 {
			parts = append(parts, term.Count(int64(n))+" "+string(v))
		}
	}
	if len(parts) == 0 {
		return "nothing to verify"
	}
	return strings.Join(parts, ", ")
}

// verdict tells people of a stage.
func (a *app) verdict(v *pipeline.Verified) {
	t := a.term
	color := term.Green
	if !v.Verdict.Good() {
		color = term.Red
	}
	t.Sayf("%s: %s", t.PaintErr(term.Bold, v.Stage.Name), t.PaintErr(color, string(v.Verdict)))
	for _, r := range v.Reasons {
		t.Sayf("  - %s", r.Text)
	}
	for _, o := range v.Outs {
		for _, d := range o.Diffs {
			t.Sayf("  - %s", diffWords(&o, &d))
		}
	}
	if !v.Verdict.Good() && v.Err == nil {
		for _, p := range v.Undeclared {
			t.Sayf("  - it looked for %s, which it does not declare", shown(p))
		}
	}
	if v.Err != nil {
		msg, hints := message(v.Err)
		t.Sayf("  - %s", msg)
		for _, h := range hints {
			t.Sayf("    %s %s", t.PaintErr(term.Cyan, "hint:"), h)
		}
	}
}

func diffWords(o *pipeline.OutVerdict, d *pipeline.Difference) string {
	words := shown(d.Path)
	if d.Where != "" {
		words += ": " + d.Where
	}
	switch {
	case d.Want == "" && d.Got == "":
	case o.Runs:
		words += fmt.Sprintf(": %s in the first run, %s in another", d.Want, d.Got)
	default:
		words += fmt.Sprintf(": recorded %s, now %s", d.Want, d.Got)
	}
	return words
}

func newVerifiedStage(v *pipeline.Verified) verifiedStage {
	s := verifiedStage{Stage: v.Stage.Name, Verdict: v.Verdict, Outputs: []verifiedOutput{}, Reasons: v.Reasons, Seconds: v.Duration.Seconds(), Undeclared: v.Undeclared, Log: v.Log}
	for _, o := range v.Outs {
		out := verifiedOutput{Path: o.Path, Verdict: o.Verdict, Runs: o.Runs}
		if len(o.Diffs) > 0 {
			d := o.Diffs[0]
			out.File, out.Where, out.Want, out.Got = d.Path, d.Where, d.Want, d.Got
		}
		s.Outputs = append(s.Outputs, out)
	}
	if v.Err != nil {
		s.Error, s.Hints = message(v.Err)
	}
	return s
}

// sample returns a part of the stages, in percent. Which, their names decide: so
// that a stage that is chosen stays chosen, and a larger part holds the smaller.
func sample(stages []*pipeline.Stage, percent string) ([]*pipeline.Stage, error) {
	if percent == "" {
		return stages, nil
	}
	p, err := strconv.ParseFloat(strings.TrimSuffix(percent, "%"), 64)
	if err != nil || !(p > 0 && p <= 100) {
		return nil, usageErrorf("--sample: want a part such as 20%%, not %q", percent)
	}
	stages = slices.Clone(stages)
	slices.SortFunc(stages, func(a, b *pipeline.Stage) int {
		x, y := hash.Bytes([]byte(a.Name)), hash.Bytes([]byte(b.Name))
		return slices.Compare(x[:], y[:])
	})
	n := int(math.Ceil(float64(len(stages)) * p / 100))
	return stages[:n], nil
}
