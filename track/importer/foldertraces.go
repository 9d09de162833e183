package importer

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"strings"

	"github.com/xtrepro/xt/track"
)

// Traces implements [Source].
func (s *Folder) Traces(ctx context.Context, e *Experiment, f func(*Trace) error) error {
	for _, name := range s.dirs(path.Join(e.Key, "traces")) {
		t, ok := s.trace(path.Join(e.Key, "traces", name))
		if !ok {
			continue
		}
		if err := errors.Join(ctx.Err(), f(t)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Folder) trace(dir string) (*Trace, bool) {
	var a traceAnswer
	file := path.Join(dir, "trace_info.yaml")
	if !s.decode(file, &a) {
		return nil, false
	}
	t := &Trace{TraceInfo: a.info()}
	if t.ID != path.Base(dir) {
		s.warn(s.shown(file), "is about the trace "+t.ID+", which is not the name of the folder")
		return nil, false
	}
	t.Tags, t.Metadata, t.Assessments = s.texts(path.Join(dir, "tags")), s.texts(path.Join(dir, "request_metadata")), nil
	_ = s.each(path.Join(dir, "assessments"), func(key, name string) error {
		var a assessmentAnswer
		if strings.HasSuffix(key, ".yaml") && s.decode(name, &a) {
			t.Assessments = append(t.Assessments, a.assessment())
		}
		return nil
	})
	t.Spans = func() ([]track.Span, error) {
		return readSpans(t.ID, s.warn, func(f func(*File) error) error {
			return s.files(dir, tagOf(t.Tags, "mlflow.artifactLocation"), "traces/"+t.ID+"/artifacts", f)
		})
	}
	return t, true
}

// decode reads a file of YAML as if it were JSON; it is false, with a warning, if
// that cannot be.
func (s *Folder) decode(name string, into any) bool {
	b, err := s.small(name, maxMetaFile)
	if err == nil {
		b, err = yamlJSON(b)
	}
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		s.warn(s.place(name, err), reason(err))
	}
	return err == nil
}
