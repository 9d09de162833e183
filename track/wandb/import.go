package wandb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/wandb/offline"
)

// UnfinishedTag marks a run that is imported until all of it is there.
const UnfinishedTag = "xt.import"

// ImportOptions say how an import goes.
type ImportOptions struct {
	Project string // the project that runs go to; "" for what they say
	DryRun  bool   // only count
	Links   bool   // bring also what links among the files lead to
	// Warn is told what is passed over: where, and what is the matter.
	Warn func(where, problem string)
	// File, unless nil, is called for each file that was stored.
	File func(size int64)
}

// ImportReport counts what an import brought.
type ImportReport struct {
	Runs      int   `json:"runs"`
	Present   int   `json:"runs_present"` // runs that were there already
	Rows      int64 `json:"rows"`         // of histories
	Files     int64 `json:"files"`
	Artifacts int   `json:"artifacts"` // W&B's, which may have many files
	Bytes     int64 `json:"bytes"`
}

// rowsAtOnce is how many rows are stored at a time.
const rowsAtOnce = 2000

// importing is the import of one run.
type importing struct {
	*call
	o      *ImportOptions
	report *ImportReport
	dir    *offline.Folder

	said      *offline.Run // nil until the log has said which run it is
	run       *run
	config    offline.Table
	summary   offline.Table
	rows      map[string]*waiting // by stream
	output    strings.Builder
	artifacts []*offline.Artifact
	used      []*offline.Used
	exit      *offline.Exit
	last      int64 // the time of the last row
}

// waiting are rows that are not stored yet.
type waiting struct {
	from  int64
	lines []string
}

// errPresent ends the reading of a run that is there.
var errPresent = errors.New("the run is there already")

// Import brings a run that a client has kept in a folder. One that is there already is
// left alone; one whose import was interrupted is brought again.
func (s *Server) Import(ctx context.Context, dir *offline.Folder, o *ImportOptions, report *ImportReport) error {
	j := &importing{
		call: &call{Server: s, ctx: ctx}, o: o, report: report, dir: dir,
		config: offline.Table{}, summary: offline.Table{}, rows: map[string]*waiting{historyStream: {}, eventsStream: {}},
	}
	err := dir.Records(func(problem string) { o.Warn(dir.Log, problem) }, j.record)
	switch {
	case errors.Is(err, errPresent):
		report.Present++
		return nil
	case err != nil:
		return err
	case j.said == nil:
		o.Warn(dir.Log, "it does not say which run it is of")
		return nil
	case o.DryRun:
		report.Runs++
		return errors.Join(j.files(), j.keepArtifacts())
	}
	if err := j.finish(); err != nil {
		return fmt.Errorf("import %s: %w", dir.Path, err)
	}
	report.Runs++
	return nil
}

func (j *importing) record(r *offline.Record) error {
	if r.Run != nil {
		if err := j.begin(r.Run); err != nil {
			return err
		}
	}
	if j.said == nil {
		return nil // a header, and the like
	}
	j.config.Apply(r.Config)
	j.summary.Apply(r.Summary)
	switch {
	case r.History != nil:
		j.report.Rows++
		return j.row(historyStream, r.History)
	case r.Stats != nil:
		return j.row(eventsStream, r.Stats)
	case r.Output != nil && j.output.Len() < maxBody:
		j.output.WriteString(r.Output.Text)
	case r.Artifact != nil:
		j.artifacts = append(j.artifacts, r.Artifact)
	case r.Used != nil:
		j.used = append(j.used, r.Used)
	case r.Exit != nil:
		j.exit = r.Exit
	}
	return nil
}

// begin makes the run, or takes up what an import has left of it.
func (j *importing) begin(said *offline.Run) error {
	j.config.Apply(said.Config)
	if j.said != nil {
		return nil // it was only told again
	}
	j.said = said
	if j.o.Project != "" {
		said.Project = j.o.Project
	}
	n := newRunName(said.Entity, said.Project, said.ID)
	r, err := j.loadRun(j.ctx, n)
	if err == nil {
		if _, gone := j.store.Run(j.ctx, r.ID); track.CodeOf(gone) == track.NotFound {
			r, err = nil, gone // it was purged
		}
	}
	switch {
	case err == nil:
		if there, err := j.isWhole(r); err != nil || there {
			return errors.Join(err, errPresentIf(there))
		}
		j.run = r
		return nil
	case track.CodeOf(err) != track.NotFound || j.o.DryRun:
		if track.CodeOf(err) == track.NotFound {
			err = nil
		}
		return err
	}
	c := j.changes(said)
	if j.run, _, err = j.loadOrCreate(j.ctx, n, c); err != nil {
		return err
	}
	if err := j.apply(j.ctx, j.run, c, true); err != nil {
		return err
	}
	return j.saveRun(j.ctx, j.run)
}

func errPresentIf(is bool) error {
	if is {
		return errPresent
	}
	return nil
}

// isWhole reports whether nothing of a run is to be brought.
func (j *importing) isWhole(r *run) (bool, error) {
	there, err := j.store.Run(j.ctx, r.ID)
	if err != nil {
		return false, err
	}
	for _, t := range there.Tags {
		if t.Key == UnfinishedTag {
			return false, nil
		}
	}
	return true, nil
}

func (j *importing) changes(said *offline.Run) changes {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return changes{
		displayName: text(said.DisplayName), notes: text(said.Notes), group: text(said.Group), jobType: text(said.JobType), sweep: text(said.Sweep),
		host: text(said.Host), repo: text(said.Remote), commit: text(said.Commit), tags: said.Tags, hasTags: said.Tags != nil,
		created: said.Start, mark: []track.Tag{{Key: UnfinishedTag, Value: "wandb"}},
	}
}

// row keeps a row until there are some to be stored together.
func (j *importing) row(stream string, r offline.Row) error {
	if j.o.DryRun {
		return nil
	}
	t := r.Table()
	if raw, ok := t["_timestamp"].(json.RawMessage); ok {
		var seconds float64
		if json.Unmarshal(raw, &seconds) == nil {
			j.last = max(j.last, int64(seconds*1000))
		}
	}
	w := j.rows[stream]
	if w.lines = append(w.lines, t.Text()); len(w.lines) < rowsAtOnce {
		return nil
	}
	return j.flush(stream)
}

func (j *importing) flush(stream string) error {
	w, at := j.rows[stream], historyPoint
	if stream == eventsStream {
		at = eventPoint
	}
	if len(w.lines) == 0 {
		return nil
	}
	if err := j.takeRows(j.ctx, j.run, stream, lines{w.from, w.lines}, at); err != nil {
		return err
	}
	w.from, w.lines = w.from+int64(len(w.lines)), nil
	return nil
}

// finish stores what was gathered, and closes the run.
func (j *importing) finish() error {
	for _, step := range []func() error{
		func() error { return j.flush(historyStream) },
		func() error { return j.flush(eventsStream) },
		j.keepConfig, j.keepSummary, j.keepLines, j.files, j.keepArtifacts,
		func() error { return j.keepOutput(j.ctx, j.run) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return j.close()
}

// keepConfig keeps the config in the form in which clients send it.
func (j *importing) keepConfig() error {
	wrapped := offline.Table{}
	for key, value := range j.config {
		wrapped[key] = offline.Table{"value": value}
	}
	if err := j.setConfig(j.ctx, j.run, wrapped.Text(), false); err != nil {
		return err
	}
	return j.saveRun(j.ctx, j.run)
}

// keepSummary keeps the summary, which is a file where a client has ended well.
func (j *importing) keepSummary() error {
	text := j.summary.Text()
	if len(j.summary) == 0 {
		err := j.dir.Files(func(name, path string) error {
			if name != "wandb-summary.json" {
				return nil
			}
			b, err := os.ReadFile(path)
			text = string(b)
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := j.setSummary(j.ctx, j.run, text, true); track.CodeOf(err) != track.InvalidParameter {
		return err
	}
	j.o.Warn(j.dir.Path, "the summary is no JSON object")
	return nil
}

// keepLines stores what the script wrote. What a carriage return took back is left
// out, as on a terminal.
func (j *importing) keepLines() error {
	text := strings.TrimSuffix(j.output.String(), "\n")
	if text == "" {
		return nil
	}
	all := strings.Split(text, "\n")
	for i, line := range all {
		line = strings.TrimSuffix(line, "\r")
		all[i] = line[strings.LastIndexByte(line, '\r')+1:]
	}
	return j.store.PutLines(j.ctx, j.run.ID, outputStream, 0, all)
}

// files brings the files of the run.
func (j *importing) files() error {
	return j.dir.Files(func(name, path string) error {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if info.Mode()&os.ModeSymlink != 0 && !j.o.Links {
			j.o.Warn(path, "it is a link; --links brings what it leads to")
			return nil
		}
		return j.file(name, path)
	})
}

func (j *importing) file(name, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		j.o.Warn(path, "it is a link to what is not there")
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if !j.o.DryRun {
		p, err := j.filePath(j.ctx, j.run, name)
		if track.CodeOf(err) == track.InvalidParameter {
			j.o.Warn(path, "a name that no file can have in the store")
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := j.store.PutArtifact(j.ctx, p, f); err != nil {
			return err
		}
	}
	j.count(info.Size())
	return nil
}

func (j *importing) count(size int64) {
	j.report.Files++
	j.report.Bytes += size
	if j.o.File != nil {
		j.o.File(size)
	}
}

// close ends the run as the script has ended, at the time at which it has.
func (j *importing) close() error {
	r, err := j.loadRun(j.ctx, j.run.runName) // artifacts were noted in it
	if err != nil {
		return err
	}
	status := track.Finished
	r.State = finished
	switch {
	case j.exit == nil:
		r.State, status = crashed, track.Failed
	case j.exit.Code != 0:
		r.State, status = failed, track.Failed
	}
	end := max(j.last, r.Created)
	if j.exit != nil {
		end = max(end, r.Created+j.exit.Runtime.Milliseconds())
	}
	r.Heartbeat = end
	if err := j.saveRun(j.ctx, r); err != nil {
		return err
	}
	if _, err := j.store.UpdateRun(j.ctx, r.ID, track.RunUpdate{Status: status, End: end}); err != nil {
		return err
	}
	err = j.store.DeleteTag(j.ctx, r.ID, UnfinishedTag)
	if track.CodeOf(err) == track.NotFound {
		return nil
	}
	return err
}
