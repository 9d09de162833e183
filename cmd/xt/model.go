package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/registry"
)

func (a *app) modelCommand() *cli.Command {
	return &cli.Command{
		Name:  "model",
		Usage: "register versions of models as git tags, promote, list and compare them",
		Subcommands: []*cli.Command{
			a.modelRegisterCommand(), a.modelPromoteCommand(), a.modelArchiveCommand(),
			a.modelListCommand(), a.modelShowCommand(), a.modelDiffCommand(), a.modelHistoryCommand(),
			a.modelGetCommand(), a.modelReproduceCommand(),
		},
	}
}

// models is the registry of the repository that the user stands in.
type models struct {
	*registry.Registry
	repo *git.Repo
	dir  string // of the project below the top of the repository; "" for the top, or none
}

func (a *app) openModels() (*models, error) {
	repo, err := git.Open(a.dir)
	if err != nil {
		return nil, err
	}
	m := &models{Registry: registry.Open(repo), repo: repo}
	root, err := pipeline.FindRoot(a.dir)
	if errors.Is(err, pipeline.ErrNoProject) || repo.Top == "" {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	if rel, err := filepath.Rel(repo.Top, root); err == nil && rel != "." && filepath.IsLocal(rel) {
		m.dir = filepath.ToSlash(rel)
	}
	return m, nil
}

// full returns the name of a model in the registry: a bare one is of the project
// that the user stands in, ":name" of the one at the top.
func (m *models) full(name string) string {
	if rest, ok := strings.CutPrefix(name, ":"); ok {
		return rest
	}
	if m.dir == "" || strings.Contains(name, ":") {
		return name
	}
	return m.dir + ":" + name
}

// ref takes "NAME@WORD" apart, and makes the name full.
func (m *models) ref(arg string) (name, word string, err error) {
	name, word = registry.SplitRef(arg)
	name = m.full(name)
	return name, word, registry.CheckModel(name)
}

// find returns the version that an operand names.
func (m *models) find(arg string) (*registry.Model, *registry.Version, error) {
	name, word, err := m.ref(arg)
	if err != nil {
		return nil, nil, err
	}
	s, err := m.Load()
	if err != nil {
		return nil, nil, err
	}
	model, err := s.Model(name)
	if err != nil {
		return nil, nil, err
	}
	v, err := model.Find(word)
	return model, v, err
}

// project returns where the project of a model is below the top of the
// repository, "" or with a slash at its end, and its name there.
func project(model string) (prefix, name string) {
	if dir, name, ok := strings.Cut(model, ":"); ok {
		return strings.TrimSuffix(dir, "/") + "/", name
	}
	return "", model
}

// signFlags say how tags are made, and whether they are sent.
func signFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "sign", Usage: "sign the tag, also where git is not configured to"},
		&cli.BoolFlag{Name: "no-sign", Usage: "do not sign it"},
		&cli.BoolFlag{Name: "push", Usage: "send the tag to the remote of git"},
		&cli.StringFlag{Name: "push-to", Usage: "send it to this `REMOTE` of git"},
	}
}

func signing(c *cli.Context) (registry.Signing, error) {
	switch {
	case c.Bool("sign") && c.Bool("no-sign"):
		return "", usageErrorf("--sign and --no-sign exclude each other")
	case c.Bool("sign"):
		return registry.Signed, nil
	case c.Bool("no-sign"):
		return registry.NotSigned, nil
	}
	return registry.AsConfigured, nil
}

// changed tells what was done, and sends the tags or says how.
func (a *app) changed(c *cli.Context, m *models, ch *registry.Change, words string) error {
	if ch.Tags == nil {
		ch.Tags = []string{}
	}
	if c.Bool("json") {
		if err := a.writeJSON(ch); err != nil {
			return err
		}
	} else {
		a.term.Printf("%s\n", words)
	}
	if len(ch.Tags) == 0 {
		return nil
	}
	remote := c.String("push-to")
	if remote == "" {
		remote = m.repo.DefaultRemote()
	}
	switch {
	case !c.Bool("push") && c.String("push-to") == "" && remote == "":
		return nil
	case !c.Bool("push") && c.String("push-to") == "":
		a.term.Sayf("for others to see it: git push %s %s", remote, git.QuoteWords(ch.Tags))
		return nil
	case remote == "":
		return a.report(&usageError{msg: "--push: this repository has no remote of git", hints: []string{"git remote add origin URL; then git push origin " + git.QuoteWords(ch.Tags)}})
	}
	if err := m.repo.PushTags(c.Context, remote, ch.Tags); err != nil {
		if c.Bool("json") {
			return a.report(err)
		}
		return err
	}
	a.term.Sayf("pushed %s to %s", plural(len(ch.Tags), "tag"), remote)
	return nil
}

// modelWords returns what may name a model, or a version, in a command line.
func (a *app) modelWords(dir string, versions bool) []string {
	if dir != "" {
		a = &app{term: a.term, dir: dir}
	}
	m, err := a.openModels()
	if err != nil {
		return nil
	}
	s, err := m.Load()
	if err != nil {
		return nil
	}
	var words []string
	for _, name := range s.Names() {
		words = append(words, name)
		if !versions {
			continue
		}
		for _, v := range s.Models[name].Versions {
			words = append(words, name+"@"+v.Name)
		}
		for _, stage := range s.Models[name].Stages() {
			words = append(words, name+"@"+stage)
		}
	}
	return words
}
