package importer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"github.com/xtrepro/xt/track"
)

// Database is a file of SQLite in which MLflow keeps runs. It is only read.
type Database struct {
	name    string
	file    string
	db      *sql.DB
	columns map[string]bool // "TABLE.COLUMN"
	places  places
	warn    Warn
	warned  bool // that artifacts of a server are not here
}

// OpenDatabase opens a database of MLflow. Artifacts are looked for where it says
// that they are, if that is on this machine, and in the folders artifacts.
func OpenDatabase(ctx context.Context, file string, artifacts []string, warn Warn) (*Database, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(15000)", "query_only(1)", "trusted_schema(0)"}}
	at := url.URL{Path: "/" + strings.TrimPrefix(filepath.ToSlash(abs), "/")}
	c, err := sqlite.NewConnector("file:" + at.EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(abs)
	near := append(artifacts, filepath.Join(dir, "mlartifacts"), filepath.Join(dir, "mlruns"))
	d := &Database{abs, file, sql.OpenDB(c), map[string]bool{}, places{near, true, dir}, warn, false}
	err = d.readSchema(ctx)
	if err == nil {
		err = d.check(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", file, err), d.Close())
	}
	return d, nil
}

// Name implements [Source].
func (d *Database) Name() string { return d.name }

// Close closes the database.
func (d *Database) Close() error { return d.db.Close() }

func (d *Database) readSchema(ctx context.Context) error {
	err := d.each(ctx, "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'", nil, func(s *row) {
		d.columns[s.text()+"."+s.text()] = true
	}, 2)
	if err == nil && !(d.columns["runs.run_uuid"] && d.columns["experiments.lifecycle_stage"]) {
		err = errors.New("this is no database of MLflow: it lacks the table of runs")
	}
	return err
}

// check reads all of the file once: one that is broken is better refused than
// found out halfway.
func (d *Database) check(ctx context.Context) error {
	problem := ""
	err := d.each(ctx, "PRAGMA quick_check(1)", nil, func(r *row) { problem = r.text() }, 1)
	if err == nil && problem != "ok" {
		err = errors.New("the file is broken: " + problem)
	}
	return err
}

// row is a row of texts, which are read one after the other.
type row struct {
	values []sql.NullString
	at     int
	bad    []string // what should be a number, and is none
}

func (r *row) text() string {
	r.at++
	return r.values[r.at-1].String
}

func (r *row) number() int64 {
	text := r.text()
	n, ok := parseNumber(text)
	if !ok && text != "" {
		r.bad = append(r.bad, text)
	}
	return n
}

// numberOr is number, for a column that may be empty.
func (r *row) numberOr(none int64) int64 {
	if !r.values[r.at].Valid || r.values[r.at].String == "" {
		r.at++
		return none
	}
	return r.number()
}

// each calls f for the rows that a query has, with so many columns.
func (d *Database) each(ctx context.Context, query string, args []any, f func(*row), columns int) error {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	r := &row{values: make([]sql.NullString, columns)}
	dest := make([]any, columns)
	for i := range dest {
		dest[i] = &r.values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		r.at, r.bad = 0, nil
		f(r)
	}
	return rows.Err()
}

// sel reads columns of a table as texts, whatever they hold, and none longer than
// a text may be. Columns and tables that an older MLflow has not made are empty.
func (d *Database) sel(ctx context.Context, table string, columns []string, where string, args []any, f func(*row)) error {
	exprs := make([]string, len(columns))
	any := false
	for i, c := range columns {
		exprs[i] = "''"
		if d.columns[table+"."+c] {
			exprs[i], any = fmt.Sprintf("substr(CAST(%s AS TEXT), 1, %d)", c, maxTextFile), true
		}
	}
	if !any {
		return nil
	}
	err := d.each(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+table+" WHERE "+where, args, func(r *row) {
		f(r)
		for _, text := range r.bad {
			d.warn(d.file+", table "+table, fmt.Sprintf("%.40q is no number", text))
		}
	}, len(columns))
	if err != nil {
		return fmt.Errorf("read %s of %s: %w", table, d.file, err)
	}
	return nil
}

func (d *Database) tags(ctx context.Context, table, key, value, where string, args ...any) (tags []track.Tag, err error) {
	err = d.sel(ctx, table, []string{key, value}, where+" ORDER BY "+key, args, func(r *row) {
		tags = append(tags, track.Tag{Key: r.text(), Value: r.text()})
	})
	return tags, err
}

// Experiments implements [Source].
func (d *Database) Experiments(ctx context.Context, f func(*Experiment) error) error {
	var list []*Experiment
	columns := []string{"experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time"}
	err := d.sel(ctx, "experiments", columns, "1 ORDER BY experiment_id", nil, func(r *row) {
		e := &Experiment{Key: r.text()}
		e.Name, e.ArtifactLocation, e.Lifecycle, e.Created = r.text(), r.text(), lifecycleOf(r.text()), r.number()
		list = append(list, e)
	})
	for _, e := range list {
		if err != nil {
			return err
		}
		if bad := track.CheckExperimentName(e.Name); bad != nil {
			d.warn("experiment "+e.Key, bad.Error())
			continue
		}
		if e.Tags, err = d.tags(ctx, "experiment_tags", "key", "value", "experiment_id = ?", e.Key); err == nil {
			err = f(e)
		}
	}
	return err
}

// Runs implements [Source].
func (d *Database) Runs(ctx context.Context, e *Experiment, f func(*Run) error) error {
	var list []*Run
	columns := []string{"run_uuid", "name", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri"}
	err := d.sel(ctx, "runs", columns, "experiment_id = ? ORDER BY start_time", []any{e.Key}, func(r *row) {
		run := &Run{Place: e.Key}
		run.RunInfo = track.RunInfo{
			ID: r.text(), Name: r.text(), User: r.text(), Status: statusOf(r.text()), Start: r.number(), End: r.number(),
			Lifecycle: lifecycleOf(r.text()), ArtifactURI: r.text(),
		}
		list = append(list, run)
	})
	for _, r := range list {
		if err == nil {
			err = d.fill(ctx, r)
		}
		if err == nil {
			err = f(r)
		}
	}
	return err
}

func (d *Database) fill(ctx context.Context, r *Run) (err error) {
	if r.Tags, err = d.tags(ctx, "tags", "key", "value", "run_uuid = ?", r.ID); err != nil {
		return err
	}
	params, err := d.tags(ctx, "params", "key", "value", "run_uuid = ?", r.ID)
	for _, p := range params {
		r.Params = append(r.Params, track.Param(p))
	}
	if err != nil {
		return err
	}
	return d.inputs(ctx, r)
}

// inputs reads the datasets and models that a run used, and the models it made.
func (d *Database) inputs(ctx context.Context, r *Run) error {
	type use struct{ input, dataset string }
	var uses []use
	err := d.sel(ctx, "inputs", []string{"input_uuid", "source_type", "source_id", "destination_id", "step"},
		"destination_id = ? OR source_id = ?", []any{r.ID, r.ID}, func(row *row) {
			input, kind, source, to, step := row.text(), row.text(), row.text(), row.text(), row.number()
			switch kind {
			case "DATASET":
				uses = append(uses, use{input, source})
			case "RUN_INPUT":
				r.ModelInputs = append(r.ModelInputs, track.ModelInput{ModelID: to})
			case "RUN_OUTPUT":
				r.ModelOutputs = append(r.ModelOutputs, track.ModelOutput{ModelID: to, Step: step})
			}
		})
	for _, u := range uses {
		if err == nil {
			err = d.dataset(ctx, r, u.dataset, u.input)
		}
	}
	return err
}

func (d *Database) dataset(ctx context.Context, r *Run, id, input string) error {
	tags, err := d.tags(ctx, "input_tags", "name", "value", "input_uuid = ?", input)
	if err != nil {
		return err
	}
	columns := []string{"name", "digest", "dataset_source_type", "dataset_source", "dataset_schema", "dataset_profile"}
	return d.sel(ctx, "datasets", columns, "dataset_uuid = ?", []any{id}, func(row *row) {
		r.Inputs = append(r.Inputs, track.DatasetInput{Tags: tags, Dataset: track.Dataset{
			Name: row.text(), Digest: row.text(), SourceType: row.text(), Source: row.text(), Schema: row.text(), Profile: row.text(),
		}})
	})
}

// Points implements [Source].
func (d *Database) Points(ctx context.Context, r *Run, f func(track.Metric) error) error {
	var failed error
	give := func(m track.Metric, value string, isNaN bool) {
		if failed != nil {
			return
		}
		v, err := parseValue(value)
		if isNaN {
			v, err = math.NaN(), nil
		}
		if err != nil {
			d.warn("run "+r.ID, "a point of "+m.Key+": "+err.Error())
			return
		}
		m.Value = v
		failed = f(m)
	}
	// A CAST of a number to text keeps 15 digits only.
	err := d.each(ctx, "SELECT CAST(key AS TEXT), CAST(timestamp AS TEXT), CAST(step AS TEXT), CAST(is_nan AS TEXT), printf('%!.17g', value) FROM metrics WHERE run_uuid = ?",
		[]any{r.ID}, func(row *row) {
			m := track.Metric{Key: row.text(), Time: row.number(), Step: row.number()}
			isNaN := row.text() == "1"
			give(m, row.text(), isNaN)
		}, 5)
	if err == nil && failed == nil && d.columns["logged_model_metrics.model_id"] {
		err = d.each(ctx, `SELECT model_id, metric_name, metric_timestamp_ms, metric_step, dataset_name, dataset_digest, printf('%!.17g', metric_value), metric_value IS NULL
			FROM logged_model_metrics WHERE run_id = ?`, []any{r.ID}, func(row *row) {
			m := track.Metric{ModelID: row.text(), Key: row.text(), Time: row.number(), Step: row.number(), DatasetName: row.text(), DatasetDigest: row.text()}
			value := row.text()
			give(m, value, row.text() == "1")
		}, 8)
	}
	return errors.Join(err, failed)
}

// Files implements [Source].
func (d *Database) Files(_ context.Context, r *Run, f func(*File) error) error {
	return d.files("run "+r.ID, r.ArtifactURI, r.ID+"/artifacts", f)
}

func (d *Database) files(what, uri, below string, f func(*File) error) error {
	roots := d.places.open(uri, below)
	switch rest, local := artifactRest(uri); {
	case len(roots) > 0 || local: // a folder on this machine is made with the first
	case rest == "" && uri != "":
		d.warn(what, "its artifacts are elsewhere: "+uri)
	case !d.places.any() && !d.warned:
		d.warned = true
		d.warn(what, "the artifacts that a server keeps are not here, as those in "+uri)
	}
	return walkTrees(roots, d.warn, f)
}
