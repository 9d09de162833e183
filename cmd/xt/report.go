package main

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) reportCommand() *cli.Command {
	return &cli.Command{
		Name:  "report",
		Usage: "write what a branch changes: stages, metrics, parameters, curves, proofs",
		Description: "Compares HEAD with the commit that the branch began at, or with --base: one page of HTML with all in\n" +
			"it, or Markdown for a pull request. There curves are lines of characters, or with --assets\n" +
			"pictures in a directory, which the Markdown refers to.\n\n" +
			"examples:\n   xt report\n   xt report --base v1.0 -o report.html --open\n   xt report -o report.md --assets report-files\n   xt verify --json > verify.json; xt report --verify verify.json",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "base", Usage: "compare with the commit `REV`; by default that where the branch left the main one"},
			&cli.StringFlag{Name: "verify", Usage: "what \"xt verify --json\" wrote into `FILE`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o", "out"}, Value: "xt-report.html", Usage: "write into `FILE`: .html or .md"},
			&cli.StringFlag{Name: "assets", Usage: "write the pictures of Markdown into `DIR`"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "replace files that are there"},
			&cli.BoolFlag{Name: "open", Usage: "open the file that was written"},
		},
		Action: a.writeReport,
	}
}

func (a *app) writeReport(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt report takes no operands: --base REV says what to compare with")
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	s, err := a.summarise(c, w)
	if err != nil {
		return err
	}
	var text []byte
	switch ext := strings.ToLower(filepath.Ext(c.String("output"))); ext {
	case ".html", ".htm":
		text, err = s.html()
	case ".md":
		files := &assetFiles{a: a, dir: c.String("assets"), from: filepath.Dir(c.String("output")), force: c.Bool("force")}
		text = []byte(s.markdown(files))
		if files.err != nil {
			return files.err
		}
	default:
		return &usageError{msg: fmt.Sprintf("--output %s: the ending says what is written, and this is none that is known", c.String("output")), hints: []string{"use .html or .md"}}
	}
	if err != nil {
		return err
	}
	if err := a.writeFile(c.String("output"), text, c.Bool("force") || c.Bool("open")); err != nil {
		return err
	}
	if c.Bool("open") {
		return openFile(a.resolve(c.String("output")))
	}
	return nil
}

// html writes the summary as one page.
func (s *summary) html() ([]byte, error) {
	p := newDocument("xt report")
	p.verdict(s.level(), s.headline())
	p.paragraph(s.compared())
	for _, part := range s.parts() {
		p.part(&part)
	}
	return p.bytes()
}

// arrow says which way a number went, and whether that is good where its name tells.
func arrow(d pipeline.Delta) string {
	old, isOld := number(d.Old)
	new, isNew := number(d.New)
	if !isOld || !isNew || old == new {
		return ""
	}
	up := new > old
	mark := map[bool]string{true: "↑", false: "↓"}[up]
	switch better(d.Key) {
	case 1:
		return mark + map[bool]string{true: " better", false: " worse"}[up]
	case -1:
		return mark + map[bool]string{true: " worse", false: " better"}[up]
	}
	return mark
}

var (
	moreIsBetter = regexp.MustCompile(`(?i)(^|[._/-])(acc|accuracy|precision|recall|f1|auc|auroc|r2|bleu|rouge|iou|map|dice|score)([0-9._/@-]|$)`)
	lessIsBetter = regexp.MustCompile(`(?i)(^|[._/-])(loss|error|err|mse|rmse|mae|mape|perplexity|ppl|wer|cer|fid|nll|latency|time|seconds)([0-9._/@-]|$)`)
)

// better returns 1 if more of a metric is better by its name, -1 if less is, 0 if the
// name does not say.
func better(key string) int {
	switch {
	case lessIsBetter.MatchString(key):
		return -1
	case moreIsBetter.MatchString(key):
		return 1
	}
	return 0
}

// assetFiles takes the pictures that Markdown refers to. Without a directory there
// are none.
type assetFiles struct {
	a     *app
	dir   string
	from  string // the directory of the Markdown
	force bool
	err   error // of the first that could not be written
}

// put writes a picture and returns how the Markdown refers to it; "" if it does not.
func (f *assetFiles) put(name string, b []byte) string {
	if f == nil || f.dir == "" {
		return ""
	}
	file := filepath.Join(f.dir, name)
	if err := f.a.writeFile(file, b, f.force); err != nil {
		if f.err == nil {
			f.err = err
		}
		return ""
	}
	rel, err := filepath.Rel(f.from, file)
	if err != nil {
		rel = file
	}
	return (&url.URL{Path: filepath.ToSlash(rel)}).String()
}

// assetName makes a name for a picture of a plot.
func assetName(name string, n int, ext string) string {
	clean := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-"), "-")
	return fmt.Sprintf("%s-%d%s", clean, n, ext)
}

// mostPlots is after how many bytes no other plot is written: of 64 KiB, which a comment
// may have, the rest needs some too.
const mostPlots = 40 << 10

// writePlots writes plots as Markdown: pictures if there are files for them, lines of
// characters if not.
func writePlots(b *strings.Builder, all []*drawing, files *assetFiles) {
	for n, d := range all {
		if b.Len() > mostPlots {
			fmt.Fprintf(b, "\n… and %s more.\n", plural(len(all)-n, "plot"))
			return
		}
		fmt.Fprintf(b, "\n#### %s\n\n", plain(d.name))
		for i, c := range d.charts {
			if link := files.put(assetName(d.name, i+1, ".svg"), chart.SVG(c)); link != "" {
				fmt.Fprintf(b, "![%s](%s)\n", plain(c.Title), link) // one after the other they stand side by side
			} else {
				writeSparks(b, c)
			}
		}
		b.WriteString("\n")
		writePictures(b, d, files)
		if hint := d.specHint(); hint != "" {
			fmt.Fprintf(b, "%s\n\n", plain(hint))
		}
		for _, note := range d.notes {
			fmt.Fprintf(b, "%s\n\n", plain(note))
		}
	}
}

// writePictures writes a table with a picture of each revision in a row.
func writePictures(b *strings.Builder, d *drawing, files *assetFiles) {
	pairs := d.pairs()
	if len(pairs) == 0 {
		return
	}
	var revs, names []string
	for _, x := range d.pictures {
		if !slices.Contains(revs, x.rev) {
			revs, names = append(revs, x.rev), append(names, plain(x.rev))
		}
	}
	fmt.Fprintf(b, "\n| picture | %s |\n| --- |%s\n", strings.Join(names, " | "), strings.Repeat(" --- |", len(revs)))
	for n, pair := range pairs {
		cells := make([]string, len(revs))
		for i, x := range pair {
			at := slices.Index(revs, x.rev)
			switch link := files.put(assetName(d.name+"-"+x.rev, len(d.charts)+n+1, path.Ext(x.file)), x.bytes); {
			case link != "":
				cells[at] = fmt.Sprintf("![%s](%s)", plain(x.file), link)
			case i > 0 && bytes.Equal(x.bytes, pair[i-1].bytes):
				cells[at] = "the same"
			default:
				cells[at] = term.Bytes(int64(len(x.bytes)))
			}
		}
		fmt.Fprintf(b, "| %s | %s |\n", plain(pair[0].file), strings.Join(cells, " | "))
	}
	b.WriteString("\n")
}

// writeSparks writes curves as a table of sparklines with first, best and last
// values. What else there is is drawn as on a terminal.
func writeSparks(b *strings.Builder, c *chart.Chart) {
	if c.Kind != chart.Line || c.Categories != nil || len(c.Series) == 0 {
		fmt.Fprintf(b, "```text\n%s```\n\n", strings.ReplaceAll(c.Text(80, 12, nil), "```", "'''"))
		return
	}
	b.WriteString("| curve | | first | least | greatest | last |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	for i := range c.Series {
		s := &c.Series[i]
		name := s.Name
		if name == "" {
			name = c.YLabel
		}
		first, least, greatest, last, ok := s.Extremes()
		if !ok {
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", plain(name), term.Sparkline(s.Sample(24)), chart.Number(first), chart.Number(least), chart.Number(greatest), chart.Number(last))
	}
	b.WriteString("\n")
}
