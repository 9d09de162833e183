package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/track"
)

func (a *app) runsExportCommand() *cli.Command {
	return &cli.Command{
		Name: "export", Usage: "write a run to a directory: all that it logged, for other programs", ArgsUsage: "RUN [DIR]",
		Description: "DIR, by default named after the run, gets run.json as \"xt runs show --json\" writes it, metrics.csv with\n" +
			"every point, artifacts/, log.txt with what the command wrote, changes.patch with how the code\n" +
			"differed from the commit, and xt.lock with the entry of the stage, as far as there are any.\n\n" +
			"examples:\n   xt runs export baseline\n   xt runs export 4f0e1c2b /tmp/run",
		Flags: append(storeFlags(), &cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "write also into a directory that has something in it"}),
		Action: func(c *cli.Context) error {
			if c.NArg() < 1 || c.NArg() > 2 {
				return usageErrorf("xt runs export takes a run, and a directory")
			}
			return a.withPlace(c, func(ctx context.Context, place *storePlace, s track.Store) error {
				r, err := findRun(ctx, s, c.Args().First(), track.All)
				if err != nil {
					return err
				}
				dir := c.Args().Get(1)
				if dir == "" {
					dir = "run-" + shortID(r.ID)
				}
				if !filepath.IsAbs(dir) {
					dir = filepath.Join(a.dir, dir)
				}
				x := &export{s: s, place: place, run: &r, dir: dir}
				if err := x.write(ctx, c.Bool("force")); err != nil {
					return err
				}
				for _, name := range x.lacking {
					a.term.Warnf("%s is left out: the cache does not have it any more", name)
				}
				a.term.Sayf("%s %s: %s", shortID(r.ID), shown(r.Name), shown(dir))
				return nil
			})
		},
	}
}

// export is a run on its way to a directory.
type export struct {
	s     track.Store
	place *storePlace
	run   *track.Run
	dir   string

	lacking []string // what is not in the cache any more
}

func (x *export) write(ctx context.Context, force bool) error {
	if entries, err := os.ReadDir(x.dir); err == nil && len(entries) > 0 && !force {
		return &usageError{msg: x.dir + " has something in it", hints: []string{"name another directory, or write into it with --force"}}
	}
	if err := os.MkdirAll(x.dir, 0o777); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := encodeJSON(&b, jsonRun(x.run)); err != nil {
		return err
	}
	if err := x.file("run.json", b.Bytes()); err != nil {
		return err
	}
	o := originOf(x.run)
	errs := []error{x.metrics(ctx), x.artifacts(ctx), x.object("log.txt", o.Log), x.object("changes.patch", o.Diff)}
	if o.Lock != "" {
		errs = append(errs, x.file("xt.lock", []byte(o.Lock)))
	}
	return errors.Join(errs...)
}

func (x *export) file(name string, b []byte) error {
	return atomicfile.Write(filepath.Join(x.dir, name), b, 0o666)
}

// metrics writes every point of every curve.
func (x *export) metrics(ctx context.Context) error {
	if len(x.run.Metrics) == 0 {
		return nil
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"key", "step", "timestamp_ms", "value"}) // Error tells
	for _, m := range x.run.Metrics {
		for q := (track.HistoryQuery{RunID: x.run.ID, Key: m.Key, Max: 25_000}); ; {
			page, err := x.s.MetricHistory(ctx, q)
			if err != nil {
				return err
			}
			for _, p := range page.Items {
				_ = w.Write([]string{p.Key, fmt.Sprint(p.Step), fmt.Sprint(p.Time), strconv.FormatFloat(p.Value, 'g', -1, 64)})
			}
			if q.PageToken = page.Next; page.Next == "" {
				break
			}
		}
	}
	w.Flush()
	return errors.Join(w.Error(), x.file("metrics.csv", b.Bytes()))
}

// artifacts copies the files of the run.
func (x *export) artifacts(ctx context.Context) error {
	root, ok := track.ArtifactPathOf(x.run.ArtifactURI)
	if !ok {
		return nil
	}
	return x.s.WalkArtifacts(ctx, root, func(f track.Artifact) error {
		rel := filepath.FromSlash(strings.TrimPrefix(f.Path.String(), root.String()+"/"))
		if !filepath.IsLocal(rel) {
			return fmt.Errorf("artifact %s cannot be a file here", f.Path)
		}
		from, _, err := x.s.OpenArtifact(ctx, f.Path)
		if err != nil {
			return err
		}
		return x.copy(filepath.Join("artifacts", rel), from)
	})
}

// object copies what the cache has of a run; nothing if it has none.
func (x *export) object(name, digest string) error {
	sum, err := hash.ParseSum(digest)
	if err != nil {
		return nil
	}
	from, err := x.place.cache.OpenFile(sum)
	if errors.Is(err, fs.ErrNotExist) {
		x.lacking = append(x.lacking, name)
		return nil
	}
	if err != nil {
		return err
	}
	return x.copy(name, from)
}

// copy writes a file of the directory and closes what it reads.
func (x *export) copy(name string, from io.ReadCloser) error {
	defer from.Close()
	target := filepath.Join(x.dir, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return err
	}
	to, err := os.Create(target)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}
