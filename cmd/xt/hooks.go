package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/githook"
	"github.com/xtrepro/xt/pipeline"
)

// mergeDriver is listed with the hooks, as git calls it too.
const mergeDriver = "merge-driver"

func (a *app) hooksCommand() *cli.Command {
	names := append(githook.Names(), mergeDriver)
	flags := func() []cli.Flag {
		list := []cli.Flag{&cli.BoolFlag{Name: "force", Usage: "also a hook of xt that was changed by hand"}}
		for _, n := range names {
			list = append(list, &cli.BoolFlag{Name: n, Usage: "only this one, and others that are named"})
		}
		return list
	}
	return &cli.Command{
		Name:  "hooks",
		Usage: "let git check what is committed and pushed, and bring the data after a switch of branches",
		Subcommands: []*cli.Command{
			{
				Name: "install", Usage: "make git run xt: all hooks, or those named",
				Description: "pre-commit runs \"xt check\" and pre-push \"xt check --rev COMMIT --remote\"; both stop what does not\n" +
					"pass. post-checkout runs \"xt checkout\" after a switch of branches, and stops nothing. The merge\n" +
					"driver merges xt.lock stage by stage. A hook that is there already is kept, and runs first.\n\n" +
					"examples:\n   xt hooks install\n   xt hooks install --pre-commit --merge-driver",
				Flags: flags(), Action: func(c *cli.Context) error { return a.hooksInstall(c, names) },
			},
			{
				Name: "list", Usage: "say which hooks there are", Description: "examples:\n   xt hooks list",
				Flags: []cli.Flag{jsonFlag()}, Action: a.hooksList,
			},
			{
				Name: "uninstall", Usage: "take the hooks away again: all, or those named",
				Description: "What was there before is put back. The line in .gitattributes stays: it does nothing in a clone\nwithout the driver.\n\nexamples:\n   xt hooks uninstall",
				Flags:       flags(), Action: func(c *cli.Context) error { return a.hooksUninstall(c, names) },
			},
			{
				Name: "run", Usage: "do what a hook does; git calls it", ArgsUsage: "HOOK [-- ARG…]",
				Description: "examples:\n   xt hooks run pre-commit", Action: a.hooksRun,
			},
		},
	}
}

// hooks are those of the repository around a project.
type hooks struct {
	*githook.Dir
	repo    *git.Repo
	root    string // of the project
	project string // its place below the top of the repository: "." or "dir"
}

func (a *app) openHooks(c *cli.Context) (*hooks, error) {
	if c.NArg() > 0 {
		return nil, usageErrorf("%s takes no operands: hooks are named by flags, as --pre-commit", c.Command.HelpName)
	}
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return nil, err
	}
	repo, err := git.Open(root)
	if err != nil {
		return nil, err
	}
	h := &hooks{repo: repo, root: root}
	rel, err := filepath.Rel(repo.Top, root)
	if err != nil {
		return nil, err
	}
	h.project = filepath.ToSlash(rel)
	program, err := os.Executable()
	if err != nil {
		program = "xt"
	}
	h.Dir = &githook.Dir{Path: repo.HooksDir(), Program: program}
	return h, nil
}

// chosen returns the hooks that flags name, or all.
func chosen(c *cli.Context, names []string) []string {
	named := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !c.Bool(n) })
	if len(named) == 0 {
		return names
	}
	return named
}

func (a *app) hooksInstall(c *cli.Context, names []string) error {
	h, err := a.openHooks(c)
	if err != nil {
		return err
	}
	a.warnShared(h)
	for _, n := range chosen(c, names) {
		if n == mergeDriver {
			if err := a.installDriver(h); err != nil {
				return err
			}
			continue
		}
		done, err := h.Install(n, h.project, c.Bool("force"))
		if err != nil {
			return err
		}
		now, err := h.Look(n)
		if err != nil {
			return err
		}
		switch {
		case !done:
			a.term.Sayf("%s: is installed", n)
		case now.Before:
			a.term.Sayf("%s: installed in %s; %s.before-xt, the hook that was there, runs first", n, h.Path, n)
		default:
			a.term.Sayf("%s: installed in %s", n, h.Path)
		}
	}
	return nil
}

// warnShared says that other repositories have the same hooks.
func (a *app) warnShared(h *hooks) {
	dir := h.repo.SharedHooks()
	if dir != "" {
		a.term.Warnf("core.hooksPath is set for all your repositories: these hooks run in each of them, and do nothing where %s is no project", h.project)
	}
}

const attributesLine = pipeline.LockFile + " merge=xt"

func (a *app) installDriver(h *hooks) error {
	err := h.repo.SetConfig("merge.xt.name", "xt.lock, stage by stage")
	if err == nil {
		err = h.repo.SetConfig("merge.xt.driver", h.Command()+" merge-driver %O %A %B")
	}
	if err != nil {
		return err
	}
	added, err := addLine(filepath.Join(h.root, ".gitattributes"), attributesLine, func(line string) bool {
		f := strings.Fields(line)
		return len(f) > 1 && (f[0] == pipeline.LockFile || f[0] == "/"+pipeline.LockFile) && slices.Contains(f[1:], "merge=xt")
	})
	if err != nil {
		return err
	}
	if added {
		a.term.Sayf("merge-driver: installed; commit .gitattributes with git")
	} else {
		a.term.Sayf("merge-driver: installed")
	}
	return nil
}

func (a *app) hooksUninstall(c *cli.Context, names []string) error {
	h, err := a.openHooks(c)
	if err != nil {
		return err
	}
	for _, n := range chosen(c, names) {
		var done bool
		if n == mergeDriver {
			done, err = h.repo.RemoveConfig("merge.xt")
		} else {
			done, err = h.Uninstall(n, h.project, c.Bool("force"))
		}
		switch {
		case err != nil:
			return err
		case done:
			a.term.Sayf("%s: removed", n)
		default:
			a.term.Sayf("%s: was not installed", n)
		}
	}
	return nil
}

// hookStatus is the JSON of xt hooks list, one for each hook.
type hookStatus struct {
	Hook     string   `json:"hook"`
	State    string   `json:"state"`
	Projects []string `json:"projects"`
	Before   bool     `json:"runs_another_first"`
	Path     string   `json:"path,omitempty"`
}

func (a *app) hooksList(c *cli.Context) error {
	h, err := a.openHooks(c)
	if err != nil {
		return err
	}
	var list []hookStatus
	for _, n := range githook.Names() {
		k, err := h.Look(n)
		if err != nil {
			return err
		}
		s := hookStatus{Hook: n, State: string(k.State), Projects: append([]string{}, k.Projects...), Before: k.Before && k.State != githook.Foreign, Path: filepath.Join(h.Path, n)}
		if k.Idle && k.State != githook.Absent {
			s.State += ", not executable"
		}
		list = append(list, s)
	}
	driver := hookStatus{Hook: mergeDriver, State: string(githook.Absent), Projects: []string{}}
	if h.repo.Config("merge.xt.driver") != "" {
		driver.State = string(githook.Installed)
	}
	list = append(list, driver)
	if c.Bool("json") {
		return a.writeJSON(list)
	}
	for _, s := range list {
		words := s.State
		if len(s.Projects) > 0 && !slices.Equal(s.Projects, []string{"."}) {
			words += " for " + strings.Join(s.Projects, ", ")
		}
		if s.Before {
			words += ", runs " + s.Hook + ".before-xt first"
		}
		a.term.Printf("%-13s  %s\n", s.Hook, words)
	}
	return nil
}

// addLine adds a line to a file, and makes that if need be, unless a line is
// there already that does.
func addLine(name, line string, does func(line string) bool) (bool, error) {
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for have := range strings.Lines(string(b)) {
		if does(have) {
			return false, nil
		}
	}
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	return true, atomicfile.Write(name, append(b, line+"\n"...), 0o666)
}
