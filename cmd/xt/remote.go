package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/pipeline/origin"
	"github.com/xtrepro/xt/remote"
)

func (a *app) remoteCommand() *cli.Command {
	return &cli.Command{
		Name:        "remote",
		Usage:       "add, list and remove remotes; make a key for encrypted ones",
		Subcommands: []*cli.Command{a.remoteAddCommand(), a.remoteListCommand(), a.remoteRemoveCommand(), a.remoteKeygenCommand()},
	}
}

func (a *app) remoteAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a remote to xt.toml",
		ArgsUsage: "NAME URL",
		Description: "Appends it to xt.toml, which otherwise stays as it is. The address is that of a place on S3, Azure\n" +
			"Blob Storage, Google Cloud Storage, SFTP or a folder. It holds no credentials: xt finds these as the\n" +
			"tools of the store do. With recipients all that is pushed is encrypted.\n\n" +
			"examples:\n   xt remote add origin s3://bucket/prefix\n   xt remote add lab sftp://user@host/srv/xt --default\n" +
			"   xt remote add backup /mnt/backup/xt\n   xt remote add safe gs://bucket --recipient \"$(xt remote keygen)\"",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "default", Aliases: []string{"d"}, Usage: "use it where no remote is named"},
			&cli.StringSliceFlag{Name: "recipient", Usage: "encrypt to the age public key `KEY`; may be repeated"},
		},
		Action: a.remoteAdd,
	}
}

func (a *app) remoteAdd(c *cli.Context) error {
	if c.NArg() != 2 {
		return &usageError{msg: "xt remote add takes a name and an address", hints: []string{"xt remote add origin s3://BUCKET/PREFIX"}}
	}
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return err
	}
	name, url := c.Args().Get(0), c.Args().Get(1)
	if strings.Contains(name, "://") {
		return &usageError{msg: "xt remote add: the name comes before the address", hints: []string{"xt remote add origin " + name}}
	}
	for _, word := range c.StringSlice("recipient") {
		if err := remote.CheckRecipient(word); err != nil {
			return &usageError{msg: "--recipient: " + err.Error(), hints: []string{"\"xt remote keygen\" makes a key and prints its public part"}}
		}
	}
	if url, err = a.remoteURL(url); err != nil {
		return err
	}
	r := pipeline.Remote{URL: url, Default: c.Bool("default"), Recipients: c.StringSlice("recipient")}
	if err := pipeline.AddRemote(root, name, r); err != nil {
		return err
	}
	a.term.Sayf("added remote %s to xt.toml: %s", name, url)
	return nil
}

// remoteURL makes an address of a path.
func (a *app) remoteURL(url string) (string, error) {
	if url == "" || strings.Contains(url, ":") && !filepath.IsAbs(url) {
		return url, nil
	}
	if !filepath.IsAbs(url) {
		url = filepath.Join(a.dir, url)
	}
	abs, err := filepath.Abs(url)
	return origin.FileURL(abs), err
}

func (a *app) remoteListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Aliases:     []string{"ls"},
		Usage:       "list the remotes of xt.toml",
		Description: "examples:\n   xt remote list\n   xt remote list --json",
		Flags:       []cli.Flag{jsonFlag()},
		Action:      a.remoteList,
	}
}

func (a *app) remoteList(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageErrorf("xt remote list takes no operands")
	}
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return err
	}
	g, err := pipeline.Load(pipeline.Dir(root))
	if err != nil {
		return err
	}
	type result struct {
		Name       string   `json:"name"`
		URL        string   `json:"url"`
		Default    bool     `json:"default"`
		Recipients []string `json:"recipients,omitempty"`
	}
	byDefault, _ := g.Config.DefaultRemote() // there need not be one
	results := []result{}
	for _, name := range slices.Sorted(maps.Keys(g.Config.Remotes)) {
		r := g.Config.Remotes[name]
		results = append(results, result{name, r.URL, name == byDefault, r.Recipients})
	}
	if c.Bool("json") {
		return a.writeJSON(results)
	}
	for _, r := range results {
		line := r.Name + "\t" + r.URL
		if r.Default {
			line += "\tdefault"
		}
		if n := len(r.Recipients); n > 0 {
			line += fmt.Sprintf("\tencrypted to %s", plural(n, "key"))
		}
		a.term.Printf("%s\n", line)
	}
	return nil
}

func (a *app) remoteRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Aliases:     []string{"rm"},
		Usage:       "take a remote out of xt.toml; what is there stays",
		ArgsUsage:   "NAME",
		Description: "Nothing is deleted at the remote itself.\n\nexamples:\n   xt remote remove backup",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return &usageError{msg: "xt remote remove takes a name", hints: []string{"\"xt remote list\" lists them"}}
			}
			root, err := pipeline.FindRoot(a.dir)
			if err != nil {
				return err
			}
			if err := pipeline.RemoveRemote(root, c.Args().First()); err != nil {
				return err
			}
			a.term.Sayf("took remote %s out of xt.toml; what is there stays", c.Args().First())
			return nil
		},
	}
}

func (a *app) remoteKeygenCommand() *cli.Command {
	return &cli.Command{
		Name:      "keygen",
		Usage:     "make a key for encrypted remotes, and print its public part",
		ArgsUsage: "[FILE]",
		Description: "Writes a secret age key to the file, by default where xt looks for it, and prints the public key,\n" +
			"which belongs into recipients of a remote. Whoever has the secret key can read what is encrypted\n" +
			"to it, and nobody can without one: keep a copy, and keep it out of git.\n\n" +
			"examples:\n   xt remote keygen\n   xt remote keygen /safe/ci.key   # used with XT_AGE_KEY_FILE=/safe/ci.key",
		Action: a.remoteKeygen,
	}
}

func (a *app) remoteKeygen(c *cli.Context) error {
	if c.NArg() > 1 {
		return usageErrorf("xt remote keygen takes one file, not %d", c.NArg())
	}
	path, err := remote.KeyFile()
	if c.NArg() == 1 {
		path, err = c.Args().First(), nil
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.dir, path)
		}
	}
	if err != nil {
		return &usageError{msg: "xt remote keygen: " + err.Error(), hints: []string{"name a file for the key"}}
	}
	public, err := remote.GenerateKey(path)
	if errors.Is(err, fs.ErrExist) {
		return &usageError{msg: path + " is there already, and a key must not get lost", hints: []string{"\"grep public " + path + "\" shows its public part; or name another file"}}
	}
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	a.term.Printf("%s\n", public)
	a.term.Sayf("the secret key is in %s: keep a copy in a safe place, and never in git", path)
	if c.NArg() == 1 {
		a.term.Sayf("xt uses it where %s=%s is set", remote.KeyFileVar, path)
	}
	return nil
}
