package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

// notRuns are the folders of an experiment that are no runs.
var notRuns = map[string]bool{"tags": true, "datasets": true, "traces": true, "models": true}

// Runs implements [Source].
func (s *Folder) Runs(ctx context.Context, e *Experiment, f func(*Run) error) error {
	defer delete(s.points, e.Key)
	for _, name := range s.dirs(e.Key) {
		if notRuns[name] {
			continue
		}
		dir := path.Join(e.Key, name)
		m, ok := s.meta(dir)
		if !ok {
			continue
		}
		if id := runIDOf(m); id != name {
			s.warn(s.shown(path.Join(dir, metaFile)), fmt.Sprintf("is about the run %q, which is not the name of the folder", id))
			continue
		}
		if err := errors.Join(ctx.Err(), f(s.run(e, dir, m))); err != nil {
			return err
		}
	}
	return nil
}

func runIDOf(m meta) string {
	if id := m["run_id"]; id != "" {
		return id
	}
	return m["run_uuid"]
}

func (s *Folder) run(e *Experiment, dir string, m meta) *Run {
	r := &Run{Place: dir}
	r.RunInfo = track.RunInfo{
		ID: path.Base(dir), Name: first(m, "run_name", "name"), User: m["user_id"], Status: statusOf(m["status"]),
		Start: m.number("start_time"), End: m.number("end_time"), Lifecycle: lifecycleOf(m["lifecycle_stage"]), ArtifactURI: m["artifact_uri"],
	}
	r.Tags = s.texts(path.Join(dir, "tags"))
	for _, p := range s.texts(path.Join(dir, "params")) {
		r.Params = append(r.Params, track.Param(p))
	}
	for _, name := range s.dirs(path.Join(dir, "inputs")) {
		s.input(e, r, path.Join(dir, "inputs", name))
	}
	for _, name := range s.dirs(path.Join(dir, "outputs")) {
		if o, ok := s.meta(path.Join(dir, "outputs", name)); ok {
			r.ModelOutputs = append(r.ModelOutputs, track.ModelOutput{ModelID: o["destination_id"], Step: o.number("step")})
		}
	}
	return r
}

func first(m meta, keys ...string) string {
	for _, key := range keys {
		if m[key] != "" {
			return m[key]
		}
	}
	return ""
}

// input reads a dataset or a model that a run used.
func (s *Folder) input(e *Experiment, r *Run, dir string) {
	m, ok := s.meta(dir)
	if !ok {
		return
	}
	id := m["source_id"]
	if m["source_type"] != "DATASET" {
		r.ModelInputs = append(r.ModelInputs, track.ModelInput{ModelID: id})
		return
	}
	if id == "" || strings.ContainsAny(id, `/\`) || id == ".." {
		s.warn(s.shown(path.Join(dir, metaFile)), fmt.Sprintf("%q is no dataset", id))
		return
	}
	d, ok := s.meta(path.Join(e.Key, "datasets", id))
	if !ok {
		return
	}
	r.Inputs = append(r.Inputs, track.DatasetInput{Tags: m.below("tags"), Dataset: track.Dataset{
		Name: d["name"], Digest: d["digest"], SourceType: d["source_type"], Source: d["source"], Schema: d["schema"], Profile: d["profile"],
	}})
}

// Points implements [Source].
func (s *Folder) Points(_ context.Context, r *Run, f func(track.Metric) error) error {
	dir := path.Join(r.Place, "metrics")
	err := s.each(dir, func(key, name string) error {
		return s.lines(name, func(line string) error {
			m, err := parsePoint(line)
			if err != nil {
				return &badLine{err}
			}
			m.Key = key
			return f(m)
		})
	})
	for _, m := range s.points[path.Dir(r.Place)][r.ID] {
		if err == nil {
			err = f(m)
		}
	}
	return err
}

// badLine is a line that is passed over with a warning.
type badLine struct{ error }

// lines calls f for the lines of a file that are not empty.
func (s *Folder) lines(name string, f func(string) error) error {
	file, err := s.open(name)
	if err != nil {
		s.warn(s.shown(name), reason(err))
		return nil
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 64<<10)
	for n := 1; ; n++ {
		b, err := r.ReadSlice('\n')
		line := strings.TrimSpace(string(b))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			s.warn(s.shown(name)+":"+strconv.Itoa(n), "the line is too long")
			return nil
		case err != nil && !errors.Is(err, io.EOF):
			s.warn(s.shown(name), reason(err))
			return nil
		case line != "":
			ferr := f(line)
			if bad := (*badLine)(nil); errors.As(ferr, &bad) {
				s.warn(s.shown(name)+":"+strconv.Itoa(n), bad.Error())
			} else if ferr != nil {
				return ferr
			}
		}
		if err != nil {
			return nil
		}
	}
}

// Files implements [Source].
func (s *Folder) Files(_ context.Context, r *Run, f func(*File) error) error {
	return s.files(r.Place, r.ArtifactURI, r.ID+"/artifacts", f)
}

func (s *Folder) files(dir, uri, below string, f func(*File) error) error {
	roots := s.places.open(uri, below)
	if own, err := s.root.OpenRoot(filepath.FromSlash(path.Join(dir, "artifacts"))); err == nil {
		roots = append([]*os.Root{own}, roots...)
	} else if !errors.Is(err, fs.ErrNotExist) {
		s.warn(s.shown(path.Join(dir, "artifacts")), reason(err))
	} else if len(roots) == 0 && uri != "" {
		s.warn(s.shown(dir), "its artifacts are not here: "+uri)
	}
	return walkTrees(roots, s.warn, f)
}

// Models implements [Source].
func (s *Folder) Models(ctx context.Context, e *Experiment, f func(*Model) error) error {
	of := map[string][]track.Metric{}
	s.points[e.Key] = of
	for _, name := range s.dirs(path.Join(e.Key, "models")) {
		dir := path.Join(e.Key, "models", name)
		m, ok := s.meta(dir)
		if !ok || m["lifecycle_stage"] == "deleted" {
			continue
		}
		l := &Model{Place: dir}
		l.ID, l.Name, l.Type, l.SourceRun, l.Created = name, m["name"], m["model_type"], m["source_run_id"], m.number("creation_timestamp")
		l.Status, l.ArtifactURI, l.Tags = modelStatusOf(m["status"]), first(m, "artifact_location", "artifact_uri"), s.texts(path.Join(dir, "tags"))
		for _, p := range s.texts(path.Join(dir, "params")) {
			l.Params = append(l.Params, track.Param(p))
		}
		if err := errors.Join(ctx.Err(), s.modelPoints(dir, name, of), f(l)); err != nil {
			return err
		}
	}
	return nil
}

// modelPoints reads the points about a logged model: TIME VALUE STEP RUN [DATASET DIGEST].
func (s *Folder) modelPoints(dir, id string, of map[string][]track.Metric) error {
	return s.each(path.Join(dir, "metrics"), func(key, name string) error {
		return s.lines(name, func(line string) error {
			w := strings.Fields(line)
			if len(w) != 4 && len(w) != 6 {
				return &badLine{fmt.Errorf("%d words, not TIME VALUE STEP RUN", len(w))}
			}
			m, err := parsePoint(strings.Join(append(w[:3:3], w[4:]...), " "))
			if err != nil {
				return &badLine{err}
			}
			m.Key, m.ModelID = key, id
			of[w[3]] = append(of[w[3]], m)
			return nil
		})
	})
}

// ModelFiles implements [Source].
func (s *Folder) ModelFiles(_ context.Context, m *Model, f func(*File) error) error {
	return s.files(m.Place, m.ArtifactURI, "models/"+m.ID+"/artifacts", f)
}
