package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
)

func (a *app) modelRegisterCommand() *cli.Command {
	return &cli.Command{
		Name:      "register",
		Usage:     "make an output of a commit a version of a model",
		ArgsUsage: "NAME PATH",
		Description: "PATH is an output, or data, in xt.lock. The version is an annotated git tag NAME@vX.Y.Z on the\n" +
			"commit, in the form that GTO reads; its message holds digests and metrics. What is not committed,\n" +
			"or not up to date in xt.lock, is refused. Tags are signed where git is configured to sign.\n\n" +
			"examples:\n   xt model register digits model.npy\n   xt model register digits model.npy --bump minor -m 'two more layers'\n" +
			"   xt model register digits model.npy --version v2.0.0-rc.1 --rev HEAD~1 --push",
		Flags: append([]cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "version", Usage: "register it as `VERSION`, such as v1.2.0; by default the next one, at first v0.0.1"},
			&cli.StringFlag{Name: "bump", Usage: "raise this `PART` of the last version: major, minor or patch"},
			&cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "a `DESCRIPTION` for people"},
			&cli.StringSliceFlag{Name: "tag", Usage: "note `KEY=VALUE` with it; may be repeated"},
			&cli.StringSliceFlag{Name: "alias", Usage: "let NAME@`ALIAS` mean this version from now on; may be repeated"},
			&cli.StringFlag{Name: "run", Usage: "the `ID` of the run that made it"},
			&cli.StringFlag{Name: "rev", Usage: "register the commit `REV` instead of HEAD"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "also what is not committed as it is, or not up to date"},
		}, signFlags()...),
		Action: a.modelRegister,
	}
}

func (a *app) modelRegister(c *cli.Context) error {
	if c.NArg() != 2 {
		return &usageError{msg: "xt model register takes a name and a path", hints: []string{"xt model register NAME PATH, where PATH is an output of a stage"}}
	}
	reg, err := registration(c)
	if err != nil {
		return err
	}
	w, err := a.open()
	if err != nil {
		return err
	}
	m, err := a.openModels()
	if err != nil {
		return err
	}
	reg.Model = m.full(c.Args().First())
	if err := registry.CheckModel(reg.Model); err != nil {
		return err
	}
	if dir, _ := project(reg.Model); strings.TrimSuffix(dir, "/") != m.dir {
		return &usageError{msg: fmt.Sprintf("%s is a model of another project than this one", reg.Model), hints: []string{"go there first, or leave the directory out"}}
	}
	path, err := a.rel(w, c.Args().Get(1))
	if err != nil {
		return err
	}
	if err := a.evidence(c, w, m, path, &reg); err != nil {
		return err
	}
	ch, err := m.Register(c.Context, reg)
	if err != nil {
		return err
	}
	return a.changed(c, m, ch, fmt.Sprintf("%s %s, number %d: %s %s at commit %s", ch.Model, ch.Version, ch.Number, shown(path), reg.Note.Node.Sum.Short(), ch.Commit[:10]))
}

// registration reads what the flags say of a version.
func registration(c *cli.Context) (reg registry.Registration, err error) {
	if reg.Sign, err = signing(c); err != nil {
		return reg, err
	}
	reg.Version, reg.Bump = c.String("version"), registry.Bump(c.String("bump"))
	if reg.Version != "" && reg.Bump != "" {
		return reg, usageErrorf("--version and --bump exclude each other")
	}
	switch reg.Bump {
	case "", registry.Major, registry.Minor, registry.Patch:
	default:
		return reg, &usageError{msg: "--bump: unknown part " + shown(string(reg.Bump)), hints: []string{"one of major, minor, patch"}}
	}
	reg.Note.Run = c.String("run")
	if c.IsSet("message") {
		text := c.String("message")
		reg.Note.Description = &text
	}
	for _, word := range c.StringSlice("tag") {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return reg, &usageError{msg: fmt.Sprintf("--tag: want KEY=VALUE, not %q", word)}
		}
		if reg.Note.Tags == nil {
			reg.Note.Tags = map[string]string{}
		}
		reg.Note.Tags[key] = value
	}
	for _, alias := range c.StringSlice("alias") {
		if err := registry.CheckAlias(alias); err != nil {
			return reg, err
		}
		reg.Note.Aliases = append(reg.Note.Aliases, alias)
	}
	return reg, nil
}

// evidence fills in what the commit says of the output, and refuses what it does
// not prove.
func (a *app) evidence(c *cli.Context, w *pipeline.Workspace, m *models, path string, reg *registry.Registration) error {
	rev := c.String("rev")
	if rev == "" {
		rev = "HEAD"
	}
	var err error
	if reg.Commit, err = m.repo.Resolve(rev); err != nil {
		return err
	}
	if reg.Commit == "" {
		return &pipeline.MisuseError{Msg: "there is no commit yet, and a version is a commit", Hint: "git add and commit xt.toml, xt.lock and the code first"}
	}
	e, err := w.EvidenceAt(c.Context, reg.Commit, path)
	if err != nil {
		return err
	}
	stage := ""
	if e.Stage != nil {
		stage = e.Stage.Name
	}
	err = e.Err()
	if c.String("rev") == "" {
		if dirty := w.Uncommitted(stage); dirty != nil {
			err = dirty
		}
	}
	if err != nil && !c.Bool("force") {
		return err
	}
	reg.Note.Forced = err != nil
	reg.Note.Path, reg.Note.Node, reg.Note.Stage, reg.Note.Lock, reg.Note.Metrics = path, e.Node, stage, e.Lock, e.Metrics
	if e.Entry != nil {
		reg.Note.Fingerprint = hash.Sum(e.Entry.Fingerprint).String()
	}
	return nil
}
