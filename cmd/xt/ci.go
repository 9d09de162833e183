package main

import (
	"bytes"
	_ "embed" // the workflows
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/pipeline"
)

var (
	//go:embed workflow/github.yml
	githubWorkflow string
	//go:embed workflow/gitlab.yml
	gitlabWorkflow string
)

func (a *app) ciCommand() *cli.Command {
	output := []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write it to `FILE` instead of standard output"},
		&cli.BoolFlag{Name: "force", Usage: "replace a file that is there"},
	}
	return &cli.Command{
		Name:  "ci",
		Usage: "print a workflow for GitHub or GitLab, or a summary for a pull request",
		Subcommands: []*cli.Command{
			{
				Name: "github", Usage: "print a workflow for GitHub Actions",
				Description: "It checks xt.lock, makes a part of the results again, and comments on the pull request.\n\nexamples:\n   xt ci github -o .github/workflows/xt.yml",
				Flags:       output, Action: func(c *cli.Context) error { return a.workflow(c, githubWorkflow) },
			},
			{
				Name: "gitlab", Usage: "print a job for GitLab CI",
				Description: "It checks xt.lock, makes a part of the results again, and comments on the merge request.\n\nexamples:\n   xt ci gitlab -o .gitlab-ci.yml",
				Flags:       output, Action: func(c *cli.Context) error { return a.workflow(c, gitlabWorkflow) },
			},
			{
				Name: "summary", Usage: "write what a branch changes, in Markdown",
				Description: "Compares HEAD with the commit that it is based on: stages that ran again, metrics before and\n" +
					"after, parameters, and what xt check finds; with --verify also what xt verify found.\n\n" +
					"examples:\n   xt ci summary --base origin/main\n   xt verify --json > verify.json; xt ci summary --verify verify.json -o summary.md",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "base", Usage: "compare with the commit `REV`; in CI that which the pull request is based on, elsewhere HEAD~1"},
					&cli.StringFlag{Name: "verify", Usage: "the `FILE` that xt verify --json has written"},
				}, output...),
				Action: a.ciSummary,
			},
		},
	}
}

// workflowData is what the workflows are filled in with.
type workflowData struct {
	Version string
	Dir     string // of the project below the top of the repository; "" for that
	Path    string // the same, with a slash at its end
	Python  bool
	Remote  bool
	Keys    []string // names of variables with the credentials for the remotes
}

func (a *app) workflow(c *cli.Context, text string) error {
	if c.NArg() > 0 {
		return usageErrorf("%s takes no operands", c.Command.HelpName)
	}
	data := workflowData{Version: pinnedVersion()}
	root, err := pipeline.FindRoot(a.dir)
	if err != nil && !errors.Is(err, pipeline.ErrNoProject) {
		return err
	}
	if err == nil {
		if err := data.look(root); err != nil {
			return err
		}
	}
	t, err := template.New("workflow").Delims("<<", ">>").Parse(text)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, &data); err != nil {
		return err
	}
	return a.output(c, b.Bytes())
}

// look fills in what the project needs.
func (d *workflowData) look(root string) error {
	g, err := pipeline.Load(pipeline.Dir(root))
	if err != nil {
		return err
	}
	d.Python, d.Remote = g.Config.Python != nil, len(g.Config.Remotes) > 0
	for _, r := range g.Config.Remotes {
		if u, err := url.Parse(r.URL); err == nil {
			d.addKeys(u.Scheme, len(r.Recipients) > 0)
		}
	}
	repo, err := git.Open(root)
	if errors.Is(err, git.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(repo.Top, root); err == nil && rel != "." {
		d.Dir = filepath.ToSlash(rel)
		d.Path = d.Dir + "/"
	}
	return nil
}

// remoteKeys are the variables in which the SDK of a store looks for credentials.
var remoteKeys = map[string][]string{
	"s3":     {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
	"azblob": {"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY"},
}

func (d *workflowData) addKeys(scheme string, encrypted bool) {
	keys := remoteKeys[scheme]
	if encrypted {
		keys = append(keys[:len(keys):len(keys)], "XT_AGE_KEY")
	}
	for _, k := range keys {
		if !strings.Contains(" "+strings.Join(d.Keys, " ")+" ", " "+k+" ") {
			d.Keys = append(d.Keys, k)
		}
	}
}

var releasePattern = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// pinnedVersion returns what makes "go install" install this xt: its release or
// its commit, or the newest where neither is known.
func pinnedVersion() string {
	if v := versionString(); releasePattern.MatchString(v) {
		return "v" + strings.TrimPrefix(v, "v")
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "latest"
}

// output writes a text to standard output, or where -o says. There it replaces
// nothing without --force.
func (a *app) output(c *cli.Context, text []byte) error {
	name := c.String("output")
	if name == "" {
		a.term.Printf("%s", text)
		return nil
	}
	return a.writeFile(name, text, c.Bool("force"))
}

// resolve returns where a file is that the user names.
func (a *app) resolve(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.dir, name)
}

// writeFile writes a file that the user names. It replaces none unless it is to.
func (a *app) writeFile(name string, text []byte, force bool) error {
	full := a.resolve(name)
	if _, err := os.Lstat(full); err == nil && !force {
		return &usageError{msg: fmt.Sprintf("%s is there already", name), hints: []string{"--force replaces it"}}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
		return err
	}
	if err := atomicfile.Write(full, text, 0o666); err != nil {
		return err
	}
	a.term.Sayf("wrote %s", name)
	return nil
}
