package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/pipeline"
)

// settingsFile holds what a user sets for this workspace alone. It is not in git.
const settingsFile = "config.toml"

// settings are the keys of the settings file.
type settings struct {
	Cache struct {
		Dir  string   `toml:"dir,omitempty"`
		Link []string `toml:"link,omitempty"`
	} `toml:"cache"`
}

var settingKeys = []string{"cache.dir", "cache.link"}

// readSettings reads the workspace's own settings; XT_CACHE_DIR overrides them.
func readSettings(root string) (pipeline.Settings, error) {
	s, err := loadSettings(root)
	if err != nil {
		return pipeline.Settings{}, err
	}
	set := pipeline.Settings{CacheDir: s.Cache.Dir, Links: s.Cache.Link}
	if dir := os.Getenv("XT_CACHE_DIR"); dir != "" {
		set.CacheDir = dir
	}
	return set, nil
}

func loadSettings(root string) (*settings, error) {
	name := filepath.Join(root, pipeline.StateDir, settingsFile)
	s := new(settings)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	md, err := toml.Decode(string(b), s)
	if err != nil {
		return nil, &usageError{msg: fmt.Sprintf("%s: %v", name, err), hints: []string{"remove the file to have the defaults again"}}
	}
	if keys := md.Undecoded(); len(keys) > 0 {
		return nil, usageErrorf("%s: unknown key %q", name, keys[0])
	}
	return s, nil
}

func (a *app) configCommand() *cli.Command {
	return &cli.Command{
		Name:      "config",
		Usage:     "show or set what holds for this workspace alone",
		ArgsUsage: "[KEY [VALUE]]",
		Description: "keys:\n   cache.dir    where the cache is; it may be shared by several workspaces\n" +
			"   cache.link   how files get into the workspace, the preferred way first: reflink, copy,\n                hardlink, symlink; the default is reflink,copy\n\n" +
			"The settings are kept in .xt/config.toml, out of git. What is to hold for everybody belongs\ninto [cache] in xt.toml.\n\n" +
			"examples:\n   xt config\n   xt config cache.link hardlink,copy\n   xt config cache.dir /srv/xt-cache\n   xt config --unset cache.dir",
		Flags:  []cli.Flag{jsonFlag(), &cli.BoolFlag{Name: "unset", Usage: "take the setting away"}},
		Action: a.config,
	}
}

func (a *app) config(c *cli.Context) error {
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return err
	}
	s, err := loadSettings(root)
	if err != nil {
		return err
	}
	key, value := c.Args().Get(0), c.Args().Get(1)
	switch {
	case c.NArg() > 2:
		return usageErrorf("xt config takes a key and a value, not %d words", c.NArg())
	case key != "" && !slices.Contains(settingKeys, key):
		return &usageError{msg: fmt.Sprintf("unknown setting %q", key), hints: []string{"the settings are " + strings.Join(settingKeys, " and ")}}
	case c.Bool("unset") && key == "":
		return usageErrorf("xt config --unset: which setting?")
	case c.NArg() == 2 || c.Bool("unset"):
		return a.setConfig(root, s, key, value)
	case c.Bool("json"):
		return a.writeJSON(map[string]any{"cache.dir": s.Cache.Dir, "cache.link": s.Cache.Link})
	}
	for _, k := range settingKeys {
		if v := s.get(k); v != "" && (key == "" || key == k) {
			a.term.Printf("%s = %s\n", k, v)
		}
	}
	return nil
}

func (s *settings) get(key string) string {
	if key == "cache.dir" {
		return s.Cache.Dir
	}
	return strings.Join(s.Cache.Link, ",")
}

func (a *app) setConfig(root string, s *settings, key, value string) error {
	switch key {
	case "cache.dir":
		s.Cache.Dir = value
	case "cache.link":
		s.Cache.Link = nil
		for word := range strings.SplitSeq(value, ",") {
			if word = strings.TrimSpace(word); word == "" {
				continue
			}
			if _, err := cache.ParseLink(word); err != nil {
				return &usageError{msg: err.Error()}
			}
			s.Cache.Link = append(s.Cache.Link, word)
		}
	}
	if err := pipeline.MakeStateDir(root); err != nil {
		return err
	}
	var b strings.Builder
	if err := toml.NewEncoder(&b).Encode(s); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(root, pipeline.StateDir, settingsFile), []byte(b.String()), 0o666)
}
