package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/pipeline"
)

func (a *app) initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "begin a project here: an xt.toml to fill in, and xt's own folder",
		ArgsUsage: "[DIR]",
		Description: "Writes xt.toml, unless there is one, and .xt/, which git ignores. Existing files stay as\n" +
			"they are.\n\nexamples:\n   xt init\n   xt init experiments/digits",
		Flags:  []cli.Flag{jsonFlag()},
		Action: a.init,
	}
}

const initConfig = `# What to run, and what it depends on. "xt repro" runs what has changed;
# "xt schema" prints a JSON Schema of this file for editors.

[project]
name = %q

[seed]
value = 42            # seeds Python, NumPy, PyTorch, TensorFlow; a stage may override it
deterministic = true  # deterministic kernels, and one numeric thread unless threads = N

[params]
# lr = 0.1

# [stage.train]
# cmd     = "python train.py --lr ${lr}"
# code    = ["train.py"]          # source files, in git
# deps    = ["data/train.csv"]    # data: added with "xt add", in git, or made by another stage
# outs    = ["build/model.npz"]   # kept in xt's cache, out of git
# metrics = ["build/metrics.json"]
`

func (a *app) init(c *cli.Context) error {
	dir := a.dir
	if c.NArg() > 1 {
		return usageErrorf("xt init takes one directory, not %d", c.NArg())
	}
	if c.NArg() == 1 {
		dir = filepath.Join(dir, c.Args().First())
		if filepath.IsAbs(c.Args().First()) {
			dir = c.Args().First()
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	made, err := writeConfig(dir)
	if err != nil {
		return err
	}
	if err := pipeline.MakeStateDir(dir); err != nil {
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			Root    string `json:"root"`
			Created bool   `json:"created"`
		}{dir, made})
	}
	a.initWords(dir, made)
	return nil
}

// writeConfig writes an xt.toml to begin with, and reports whether it did.
func writeConfig(dir string) (bool, error) {
	f, err := os.OpenFile(filepath.Join(dir, pipeline.ConfigFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(fmt.Sprintf(initConfig, filepath.Base(dir)))
	return true, errors.Join(err, f.Close())
}

func (a *app) initWords(dir string, made bool) {
	if made {
		a.term.Sayf("wrote %s; declare a stage in it, then run \"xt repro\"", filepath.Join(dir, pipeline.ConfigFile))
	} else {
		a.term.Sayf("%s is there already and stays as it is", filepath.Join(dir, pipeline.ConfigFile))
	}
	if _, err := git.Open(dir); errors.Is(err, git.ErrNoRepository) {
		a.term.Warnf("this is no git repository: xt works, but cannot record commits; \"git init\" makes one")
	}
}
