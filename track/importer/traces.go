package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/mlflow"
)

// inProgress is the state of a trace that has not ended.
const inProgress = "IN_PROGRESS"

// traces brings the traces of an experiment.
func (j *job) traces(e *Experiment, t *target) error {
	return j.src.Traces(j.ctx, e, func(tr *Trace) error {
		if err := checkTraceID(tr.ID); err != nil {
			j.Warn(fmt.Sprintf("trace %q", tr.ID), err.Error())
			return nil
		}
		if err := j.trace(t, tr); err != nil {
			return fmt.Errorf("import trace %s: %w", tr.ID, err)
		}
		j.tell()
		return nil
	})
}

// checkTraceID reports what is wrong with the ID of a trace, which becomes part of
// the path of its artifacts.
func checkTraceID(id string) error {
	_, err := track.CheckTag(track.Tag{Key: id})
	if err == nil && (id == "" || strings.Contains(id, "/")) {
		err = track.Errorf(track.InvalidParameter, "its ID is no name")
	}
	return err
}

func (j *job) trace(t *target, tr *Trace) error {
	was, err := j.dst.TraceInfo(j.ctx, tr.ID)
	switch {
	case err != nil && track.CodeOf(err) != track.NotFound:
		return err
	case err == nil && !hasTag(was.Tags, UnfinishedTag) && (was.State != inProgress || tr.State == inProgress):
		return nil
	case j.DryRun:
		j.report.Traces++
		return nil
	}
	spans, err := tr.Spans()
	if err != nil {
		return err
	}
	if err := j.open(t); err != nil {
		return err
	}
	if _, err := j.dst.PutTrace(j.ctx, j.traceInfo(t, tr)); err != nil {
		return err
	}
	for some := range slices.Chunk(spans, maxSpans) {
		if err := j.dst.PutSpans(j.ctx, t.ID, some); err != nil {
			return err
		}
	}
	for _, run := range tr.Runs {
		if err := j.dst.LinkTraces(j.ctx, []string{tr.ID}, run); err != nil && track.CodeOf(err) != track.NotFound {
			return err
		}
	}
	j.report.Traces++
	return j.dst.DeleteTraceTag(j.ctx, tr.ID, UnfinishedTag)
}

// maxSpans is how many spans are stored at once.
const maxSpans = 500

// traceInfo returns a trace as the store takes it.
func (j *job) traceInfo(t *target, tr *Trace) track.TraceInfo {
	info := tr.TraceInfo
	info.Experiment = t.ID
	for _, text := range []*string{&info.ClientRequestID, &info.State, &info.RequestPreview, &info.ResponsePreview} {
		*text = plain(*text)
	}
	info.Metadata = plainTags(tr.Metadata)
	info.Tags = append(plainTags(tr.Tags), mlflow.LocationTag(&t.Experiment, tr.ID), mlflow.SpansTag(), j.mark)
	info.Assessments = make([]track.Assessment, len(tr.Assessments))
	for i, a := range tr.Assessments {
		for _, text := range []*string{&a.ID, &a.SpanID, &a.Name, &a.SourceType, &a.SourceID, &a.Value, &a.Error, &a.Rationale, &a.Overrides} {
			*text = plain(*text)
		}
		a.Metadata = plainTags(a.Metadata)
		info.Assessments[i] = a
	}
	return info
}
