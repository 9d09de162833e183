package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/sandbox"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/internal/trace"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/seedenv"
)

func (a *app) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		Usage:       "say what xt finds here: versions, tools, the cache and how it links files",
		Description: "The first thing to put into a bug report. Exits with 1 if something is wrong.\n\nexamples:\n   xt doctor",
		Flags:       []cli.Flag{jsonFlag()},
		Action:      a.doctor,
	}
}

// finding is one line of xt doctor.
type finding struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	OK    bool   `json:"ok"`
}

func (a *app) doctor(c *cli.Context) error {
	d := &diagnosis{a: a}
	d.tools()
	d.machine()
	if root, err := pipeline.FindRoot(a.dir); err == nil {
		d.project(root)
	} else {
		d.note("project", "none here; \"xt init\" makes one", true)
	}
	if c.Bool("json") {
		if err := a.writeJSON(d.findings); err != nil {
			return err
		}
	} else {
		for _, f := range d.findings {
			mark := a.term.Paint(term.Green, "ok  ")
			if !f.OK {
				mark = a.term.Paint(term.Red, "BAD ")
			}
			a.term.Printf("%s %-12s %s\n", mark, f.Name, f.Value)
		}
	}
	for _, f := range d.findings {
		if !f.OK {
			return errFailed
		}
	}
	return nil
}

// diagnosis gathers the findings.
type diagnosis struct {
	a        *app
	findings []finding
}

func (d *diagnosis) note(name, value string, ok bool) {
	d.findings = append(d.findings, finding{name, value, ok})
}

func (d *diagnosis) tools() {
	d.note("xt", fmt.Sprintf("%s, %s, %s/%s", versionString(), runtime.Version(), runtime.GOOS, runtime.GOARCH), true)
	out, err := exec.Command("git", "--version").Output()
	if err != nil {
		d.note("git", "there is no git command: xt cannot tell whether code is committed", false)
	} else {
		d.note("git", strings.TrimSpace(string(out)), true)
	}
	python, err := seedenv.FindPython("", d.a.dir, os.Environ())
	if err != nil {
		d.note("python", err.Error(), true)
	} else {
		d.note("python", python, true)
	}
}

func (d *diagnosis) machine() {
	if err := sandbox.Available(); err != nil {
		d.note("isolation", "a clean directory only, since there are no namespaces: "+err.Error(), true)
	} else {
		d.note("isolation", "a clean directory in namespaces of its own", true)
	}
	if err := trace.Available(); err != nil {
		d.note("tracing", "not here: "+err.Error(), true)
	} else {
		d.note("tracing", "xt repro --trace can record which files a command opens", true)
	}
	facts := seedenv.Machine()
	for _, k := range slices.Sorted(maps.Keys(facts)) {
		d.note(k, facts[k], true)
	}
}

func (d *diagnosis) project(root string) {
	d.note("project", root, true)
	w, err := d.a.open()
	if err != nil {
		msg, _ := message(err)
		d.note("files", msg, false)
		return
	}
	d.note("stages", fmt.Sprint(len(w.Graph.Stages)), true)
	if w.Repo == nil {
		d.note("repository", "not in a git repository: commits cannot be recorded", true)
	} else {
		head, err := w.Repo.Head()
		d.note("repository", w.Repo.Top+" at "+cmp.Or(head, "no commit yet"), err == nil)
	}
	d.note("cache", w.Cache.Dir(), writable(w.Cache.Dir()))
	var links []string
	for _, l := range w.Cache.Links() {
		links = append(links, l.String())
	}
	d.note("links", strings.Join(links, ", "), true)
	if p := w.Graph.Config.Python; p != nil {
		d.note("requirements", p.Requirements, true)
	}
}

// writable reports whether files can be made in dir, or in the nearest
// directory above that exists.
func writable(dir string) bool {
	for {
		f, err := os.CreateTemp(dir, ".xt-doctor-")
		if err == nil {
			f.Close()
			os.Remove(f.Name())
			return true
		}
		if !errors.Is(err, os.ErrNotExist) || filepath.Dir(dir) == dir {
			return false
		}
		dir = filepath.Dir(dir)
	}
}
