package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// PlotPlan is a plot of the project: the files that it is made of, and its look.
type PlotPlan struct {
	Name  string // of the plot, or the path of its only file
	Files []string
	Look  Look
}

// Single reports whether it is a file, or a directory, that stands for itself.
func (p *PlotPlan) Single() bool { return len(p.Files) == 1 && p.Files[0] == p.Name }

// Has reports whether a file is one of the plot's, or in a directory that is.
func (p *PlotPlan) Has(file string) bool {
	return slices.ContainsFunc(p.Files, func(f string) bool { return f == file || strings.HasPrefix(file, f+"/") })
}

// PlotPlans returns the plots of the project: those of [plots], in the order of
// xt.toml, and the plots of stages that are in none of these, by path.
func (v *View) PlotPlans() []PlotPlan {
	var plans []PlotPlan
	in := map[string]bool{}
	for _, set := range v.Graph.Config.Plots {
		plans = append(plans, PlotPlan{set.Name, set.Files, set.Look})
		for _, f := range set.Files {
			in[f] = true
		}
	}
	var single []PlotPlan
	for _, s := range v.Graph.Stages {
		for _, o := range s.Outs {
			if o.Kind != Plot || in[o.Path] {
				continue
			}
			p := PlotPlan{Name: o.Path, Files: []string{o.Path}}
			if o.Look != nil {
				p.Look = *o.Look
			}
			single = append(single, p)
		}
	}
	slices.SortFunc(single, func(a, b PlotPlan) int { return strings.Compare(a.Name, b.Name) })
	return append(plans, single...)
}

// ReadPlot returns the bytes of a plot file in the view, which git has, or the cache.
// The error wraps fs.ErrNotExist if there is none.
func (v *View) ReadPlot(name string) ([]byte, error) {
	b, err := v.Source.ReadFile(name)
	switch {
	case Missing(err):
	case err != nil:
		err = &MisuseError{Msg: fmt.Sprintf("%s cannot be read: %v", name, err)}
	case len(b) > maxConfigSize:
		err = &MisuseError{Msg: fmt.Sprintf("%s is larger than %d MiB", name, maxConfigSize>>20), Hint: "a plot is for people: write fewer points"}
	}
	return b, err
}

// PlotFiles returns the files of a plot that is a directory, or else its own name.
func (v *View) PlotFiles(name string) []string {
	if v.below != nil {
		if files := v.below(name); files != nil {
			return files
		}
	}
	return []string{name}
}

// SamePlot reports whether a plot is the same in both views: by what xt.lock says of it, or,
// where no stage makes it, by its bytes.
func SamePlot(a, b *View, name string) bool {
	if x, y := a.plotSum(name), b.plotSum(name); !x.IsZero() || !y.IsZero() {
		return x == y
	}
	files := a.PlotFiles(name)
	return slices.Equal(files, b.PlotFiles(name)) && !slices.ContainsFunc(files, func(file string) bool {
		x, errA := a.ReadPlot(file)
		y, errB := b.ReadPlot(file)
		return Missing(errA) != Missing(errB) || !bytes.Equal(x, y)
	})
}

// plotSum returns the digest that xt.lock has of a plot; the zero Sum if it has none.
func (v *View) plotSum(name string) hash.Sum {
	for _, m := range v.Graph.Producers(name) {
		if e := v.Lock.Stages[m.Stage.Name]; e != nil {
			if n, ok := nodeAt(e.Outs, name); ok {
				return n.Sum
			}
		}
	}
	return hash.Sum{}
}

// IsPlot reports whether a file can be a plot, by its name.
func IsPlot(name string) bool {
	_, picture := IsPicture(name)
	return picture || slices.Contains(tableTypes, strings.ToLower(path.Ext(name)))
}

// tableTypes are the endings of files that hold tables.
var tableTypes = []string{".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".yaml", ".yml"}

// IsPicture reports whether a plot file is a picture, and returns its media type.
func IsPicture(name string) (mediaType string, ok bool) {
	t, ok := map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml", ".webp": "image/webp"}[strings.ToLower(path.Ext(name))]
	return t, ok
}

// Missing reports whether an error of [View.ReadPlot] says that there is no file.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
