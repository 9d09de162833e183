package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/importer"
	"github.com/xtrepro/xt/track/sql"
)

func (a *app) importMLflowCommand() *cli.Command {
	return &cli.Command{
		Name:      "mlflow",
		Usage:     "bring the runs of MLflow into the store of runs",
		UsageText: "xt import mlflow [flags] PATH|URL",
		Description: "Brings experiments, runs with all that was logged in them, and registered models from a folder\n" +
			"\"mlruns\", from a database of SQLite, or from a tracking server. Runs keep their numbers: what is\n" +
			"there already is left alone, and what an import left unfinished is gone on with. Nothing of the\n" +
			"source is changed. A server may want MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and\n" +
			"MLFLOW_TRACKING_PASSWORD. To import a file that is called mlflow, write ./mlflow.\n\n" +
			"examples:\n   xt import mlflow mlruns\n   xt import mlflow sqlite:///mlflow.db --source-artifacts /srv/mlartifacts\n" +
			"   xt import mlflow https://mlflow.example.org --experiment digits --dry-run",
		Flags: append(storeFlags(),
			jsonFlag(),
			&cli.StringSliceFlag{Name: "experiment", Usage: "only the experiment `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "source-artifacts", Usage: "look for artifacts also in `DIR`, where MLflow's server kept them"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would come, and change nothing"},
		),
		Action: a.importMLflow,
	}
}

func (a *app) importMLflow(c *cli.Context) (err error) {
	if c.NArg() != 1 {
		return &usageError{msg: "xt import mlflow takes the folder, the database or the address of a server", hints: []string{"xt import mlflow mlruns", "to import a file that is called mlflow, write ./mlflow"}}
	}
	warnings := 0
	warn := func(where, problem string) {
		warnings++
		a.term.Sayf("warning: %s: %s", shown(where), shown(problem))
	}
	src, err := openMLflow(c.Context, c.Args().First(), a.dir, c.StringSlice("source-artifacts"), warn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	return a.withImportStore(c, func(ctx context.Context, s track.Store) error {
		return a.bringRuns(ctx, c, s, src, warn, &warnings)
	})
}

// openMLflow opens what an operand names.
func openMLflow(ctx context.Context, at, dir string, artifacts []string, warn importer.Warn) (importer.Source, error) {
	for _, scheme := range []string{"http://", "https://"} {
		if strings.HasPrefix(at, scheme) {
			src, err := importer.OpenServer(at, importer.Login{
				Token: os.Getenv("MLFLOW_TRACKING_TOKEN"), User: os.Getenv("MLFLOW_TRACKING_USERNAME"), Password: os.Getenv("MLFLOW_TRACKING_PASSWORD"),
			}, warn)
			if err != nil {
				return nil, usageErrorf("%s: %v", redactURL(at), err)
			}
			return src, nil
		}
	}
	artifacts = inDir(dir, artifacts)
	if file, ok := sqliteFile(at); ok {
		return openDatabase(ctx, inDir(dir, []string{file})[0], artifacts, warn)
	}
	if strings.Contains(at, "://") && !strings.HasPrefix(at, "file://") {
		return nil, &usageError{msg: "xt import mlflow cannot read " + redactURL(at), hints: []string{"it reads folders, sqlite:///FILE, http:// and https://"}}
	}
	path := inDir(dir, []string{strings.TrimPrefix(at, "file://")})[0]
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageErrorf("there is no %s", shown(at))
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return openDatabase(ctx, path, artifacts, warn)
	}
	if inner := filepath.Join(path, "mlruns"); !importer.IsFolder(path) && importer.IsFolder(inner) {
		path = inner
	}
	if !importer.IsFolder(path) {
		return nil, &usageError{msg: shown(at) + " is no folder of MLflow: no folder in it has a meta.yaml", hints: []string{"name the folder that is called mlruns"}}
	}
	return importer.OpenFolder(path, artifacts, warn)
}

func openDatabase(ctx context.Context, file string, artifacts []string, warn importer.Warn) (importer.Source, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, usageErrorf("there is no %s", shown(file))
	}
	src, err := importer.OpenDatabase(ctx, file, artifacts, warn)
	switch {
	case err == nil:
		return src, nil
	case ctx.Err() != nil:
		return nil, err
	}
	return nil, &usageError{msg: err.Error(), hints: []string{"it takes the database of SQLite that MLflow was told to use as its backend store"}}
}

// sqliteFile returns the file of a URL as MLflow writes it: three slashes before a
// path that is relative, four before one that is not.
func sqliteFile(at string) (string, bool) {
	if file, ok := strings.CutPrefix(at, "sqlite:///"); ok {
		return file, true
	}
	return strings.CutPrefix(at, "sqlite:")
}

// inDir returns paths as seen from the folder that the user chose.
func inDir(dir string, paths []string) []string {
	list := make([]string, len(paths))
	for i, p := range paths {
		list[i] = p
		if !filepath.IsAbs(p) {
			list[i] = filepath.Join(dir, p)
		}
	}
	return list
}

// withImportStore is withRuns; but where a dry run has no store to look into, it
// does not make one.
func (a *app) withImportStore(c *cli.Context, f func(ctx context.Context, s track.Store) error) (err error) {
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	file, isFile := storeFile(place.url)
	if _, err := os.Stat(file); !c.Bool("dry-run") || !isFile || err == nil {
		return a.withRuns(c, f)
	}
	dir, err := os.MkdirTemp("", "xt-import-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := sql.Open(c.Context, filepath.Join(dir, "runs.db"), sql.Options{})
	if err != nil {
		return err
	}
	return errors.Join(f(c.Context, s), s.Close())
}

func (a *app) bringRuns(ctx context.Context, c *cli.Context, s track.Store, src importer.Source, warn importer.Warn, warnings *int) error {
	p := a.term.Start("importing", 0)
	defer p.Done()
	dry := c.Bool("dry-run")
	r, err := importer.Import(ctx, s, src, importer.Options{
		Experiments: c.StringSlice("experiment"), DryRun: dry, Warn: warn, File: p.Add,
		Run: func(r importer.Report) { p.Note(plural(r.Runs+r.Present, "run")) },
	})
	p.Done()
	if err != nil {
		if r.Runs > 0 {
			a.term.Sayf("%s came before that; the same command goes on from there", plural(r.Runs, "run"))
		}
		if missing := (*importer.NoExperimentError)(nil); errors.As(err, &missing) {
			return usageErrorf("%v", err)
		}
		return err
	}
	if c.Bool("json") {
		return a.writeJSON(struct {
			importer.Report
			Warnings int `json:"warnings"`
		}{r, *warnings})
	}
	a.term.Sayf("%s", importWords(r, dry, *warnings))
	return nil
}

// importWords says what came.
func importWords(r importer.Report, dry bool, warnings int) string {
	verb := "imported"
	if dry {
		verb = "to import"
	}
	text := fmt.Sprintf("%s: %s in %s, %s, %s (%s)", verb, plural(r.Runs, "run"),
		plural(r.Experiments, "new experiment"), plural(int(r.Points), "point"), plural(int(r.Artifacts), "artifact"), term.Bytes(r.Bytes))
	if r.Registered+r.ModelVersions > 0 {
		text += fmt.Sprintf(", %s, %s", plural(r.Registered, "new registered model"), plural(r.ModelVersions, "model version"))
	}
	if r.LoggedModels > 0 {
		text += ", " + plural(r.LoggedModels, "logged model")
	}
	if r.Traces > 0 {
		text += ", " + plural(r.Traces, "trace")
	}
	if r.Updated > 0 {
		text += fmt.Sprintf("; %s brought up to date", plural(r.Updated, "run"))
	}
	if r.Present > 0 {
		text += fmt.Sprintf("; %s there already", plural(r.Present, "run"))
	}
	if warnings > 0 {
		text += "; " + plural(warnings, "warning")
	}
	return text
}
