package mlflow

import (
	"strconv"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

var traceRoutes = []route{
	{"POST", "3.0/mlflow/traces", "stores what is known of a trace", "trace!:object", (*call).startTrace},
	{"GET", "3.0/mlflow/traces/get", "returns a trace with its spans", "trace_id! allow_partial:boolean", (*call).getTrace},
	{"GET", "3.0/mlflow/traces/batchGet", "returns traces with their spans", "trace_ids!:array", (*call).getTraces},
	{"POST", "3.0/mlflow/traces/batchGetInfos", "returns traces without their spans", "trace_ids!:array", (*call).getTraceInfos},
	{"POST", "3.0/mlflow/traces/search", "finds traces", "locations!:array filter max_results:integer order_by:array page_token", (*call).searchTraces},
	{"POST", "3.0/mlflow/traces/delete-traces", "deletes traces", "experiment_id! max_timestamp_millis:integer max_traces:integer request_ids:array", (*call).deleteTraces},
	{"GET", "3.0/mlflow/traces/{trace_id}", "returns a trace without its spans", "", (*call).getTraceInfo},
	{"PATCH", "3.0/mlflow/traces/{trace_id}/tags", "sets a tag", "key! value", (*call).setTraceTag},
	{"DELETE", "3.0/mlflow/traces/{trace_id}/tags", "deletes a tag", "key!", (*call).deleteTraceTag},
	{"POST", "2.0/mlflow/traces/delete-traces", "deletes traces", "experiment_id! max_timestamp_millis:integer max_traces:integer request_ids:array", (*call).deleteTraces},
	{"POST", "3.0/mlflow/traces/calculate-filter-correlation", "says how often what two filters find is the same", "experiment_ids!:array filter_string1! filter_string2! base_filter", (*call).correlateTraces},
	{"POST", "3.0/mlflow/traces/metrics", "counts and measures traces, spans and assessments", "experiment_ids!:array view_type!:enum metric_name! aggregations!:array dimensions:array filters:array time_interval_seconds:integer start_time_ms:integer end_time_ms:integer max_results:integer page_token", (*call).queryTraceMetrics},
	{"POST", "2.0/mlflow/traces/link-to-run", "records that traces belong to a run", "trace_ids!:array run_id!", (*call).linkTraces},
	{"POST", "2.0/mlflow/traces/link-prompts", "records that a trace used prompts", "trace_id! prompt_versions!:array", (*call).linkPrompts},
}

// Tags and metadata with a meaning.
const (
	spansLocationTag = "mlflow.trace.spansLocation"
	spansInStore     = "TRACKING_STORE" // clients need not store them as an artifact
	locationTag      = "mlflow.artifactLocation"
)

// traceLocation returns the tag that says where the files of a trace are.
func (c *call) traceLocation(experiment int64, id string) (track.Tag, error) {
	e, err := c.store.Experiment(c.ctx, experiment)
	return LocationTag(&e, id), err
}

// LocationTag returns the tag that says where the files of a trace are.
func LocationTag(e *track.Experiment, id string) track.Tag {
	return track.Tag{Key: locationTag, Value: track.JoinLocation(e.ArtifactLocation, "traces", id, "artifacts")}
}

// SpansTag is the tag of a trace whose spans are in the store, where clients need
// not look for them among its files.
func SpansTag() track.Tag { return track.Tag{Key: spansLocationTag, Value: spansInStore} }

func (c *call) startTrace() error {
	a := c.part("trace").part("trace_info")
	a.need("trace_id")
	location := a.part("trace_location").part("mlflow_experiment")
	location.need("experiment_id")
	t := track.TraceInfo{
		ID: a.text("trace_id"), Experiment: location.experiment("experiment_id"), ClientRequestID: a.text("client_request_id"),
		RequestTime: a.time("request_time"), Duration: a.duration("execution_duration"),
		State:          a.traceState("state", "STATE_UNSPECIFIED"),
		RequestPreview: a.text("request_preview"), ResponsePreview: a.text("response_preview"),
		Tags: a.dict("tags"), Metadata: append(a.dict("trace_metadata"), track.Tag{Key: track.TraceFinalizedKey, Value: "true"}),
	}
	a.each("assessments", func(a *args) { t.Assessments = append(t.Assessments, a.assessment(t.ID)) })
	c.note(a.err)
	c.note(location.err)
	return c.answerTraceInfo(c.newTrace(t))
}

// newTrace stores a trace that the arguments describe, and where its files are.
func (c *call) newTrace(t track.TraceInfo) (track.TraceInfo, error) {
	if c.err != nil {
		return t, c.err
	}
	tag, err := c.traceLocation(t.Experiment, t.ID)
	if err != nil {
		return t, err
	}
	t.Tags = append(t.Tags, tag)
	return c.store.PutTrace(c.ctx, t)
}

const inProgress = "IN_PROGRESS"

// traceState returns the state of a trace, whose enumeration begins with unspecified.
func (a *args) traceState(name, unspecified string) string {
	return a.enum(name, unspecified, "OK", "ERROR", inProgress)
}

func (c *call) getTraceInfo() error {
	return c.answerTraceInfo(c.store.TraceInfo(c.ctx, c.text("trace_id")))
}

func (c *call) answerTraceInfo(t track.TraceInfo, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("trace")
	c.out.open()
	c.out.name("trace_info")
	c.out.traceInfo(&t)
	c.out.close()
	c.out.close()
	return nil
}

func (e *encoder) traceInfo(t *track.TraceInfo) {
	e.open()
	e.str("trace_id", t.ID)
	e.set("client_request_id", t.ClientRequestID)
	e.name("trace_location")
	e.open()
	e.str("type", "MLFLOW_EXPERIMENT")
	e.name("mlflow_experiment")
	e.open()
	e.str("experiment_id", track.FormatExperimentID(t.Experiment))
	e.close()
	e.close()
	e.str("request_time", formatTime(t.RequestTime))
	if t.Duration >= 0 {
		e.str("execution_duration", strconv.FormatFloat(float64(t.Duration)/1000, 'f', -1, 64)+"s")
	}
	e.str("state", t.State)
	e.dict("trace_metadata", t.Metadata)
	e.dict("tags", t.Tags)
	list(e, "assessments", t.Assessments, (*encoder).assessment)
	e.set("request_preview", t.RequestPreview)
	e.set("response_preview", t.ResponsePreview)
	e.close()
}

func formatTime(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// time returns a time as protocol buffers write it in JSON, 0 without one.
func (a *args) time(name string) int64 {
	text := a.text(name)
	if text == "" {
		return 0
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		a.mistyped(name, a.get(name))
	}
	return t.UnixMilli()
}

// duration returns a duration such as "1.5s", -1 without one.
func (a *args) duration(name string) int64 {
	text := a.text(name)
	if text == "" {
		return -1
	}
	d, err := time.ParseDuration(text)
	if err != nil || !strings.HasSuffix(text, "s") {
		a.mistyped(name, a.get(name))
	}
	return d.Milliseconds()
}

// dict returns the texts in an object.
func (a *args) dict(name string) []track.Tag {
	p := a.part(name)
	var tags []track.Tag
	for i := range p.members {
		key := unquote(p.members[i].name)
		tags = append(tags, track.Tag{Key: key, Value: p.text(string(p.members[i].name))})
	}
	a.note(p.err)
	return tags
}

func (c *call) getTrace() error {
	id := c.text("trace_id")
	traces, err := c.store.Traces(c.ctx, []string{id})
	if err != nil {
		return err
	}
	if len(traces) == 0 {
		return track.Errorf(track.NotFound, "Trace with ID '%s' not found.", id)
	}
	c.out.open()
	c.out.name("trace")
	c.out.trace(&traces[0])
	c.out.close()
	return nil
}

func (c *call) getTraces() error {
	ids := c.texts("trace_ids")
	if c.err != nil {
		return c.err
	}
	traces, err := c.store.Traces(c.ctx, ids)
	return answerPage(c, "traces", track.Page[track.Trace]{Items: traces}, err, (*encoder).trace)
}

func (e *encoder) trace(t *track.Trace) {
	e.open()
	e.name("trace_info")
	e.traceInfo(&t.TraceInfo)
	list(e, "spans", t.Spans, (*encoder).span)
	e.close()
}

func (c *call) getTraceInfos() error {
	ids := c.texts("trace_ids")
	if c.err != nil {
		return c.err
	}
	var found []track.TraceInfo
	for _, id := range ids {
		t, err := c.store.TraceInfo(c.ctx, id)
		if err == nil {
			found = append(found, t)
		} else if track.CodeOf(err) != track.NotFound {
			return err
		}
	}
	return answerPage(c, "trace_infos", track.Page[track.TraceInfo]{Items: found}, nil, (*encoder).traceInfo)
}

const maxTraces = 500 // in a page

func (c *call) searchTraces() error {
	var experiments []int64
	c.each("locations", func(a *args) {
		if e := a.part("mlflow_experiment"); e.get("experiment_id") != nil {
			experiments = append(experiments, e.experiment("experiment_id"))
			a.note(e.err)
		}
	})
	return c.answerTraces(experiments, (*encoder).traceInfo)
}

// answerTraces answers with a page of what the arguments search for.
func (c *call) answerTraces(experiments []int64, encode func(*encoder, *track.TraceInfo)) error {
	s := track.TraceSearch{Search: c.search(100, maxTraces), Experiments: experiments}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.SearchTraces(c.ctx, s)
	return answerPage(c, "traces", page, err, encode)
}

func (c *call) deleteTraces() error {
	d := track.TraceDeletion{
		Experiment: c.experiment("experiment_id"), IDs: c.texts("request_ids"),
		Before: c.int("max_timestamp_millis", 0), Max: int(c.int("max_traces", 0)),
	}
	switch byTime := c.get("max_timestamp_millis") != nil; {
	case byTime == (len(d.IDs) > 0):
		c.note(track.Errorf(track.InvalidParameter, "Either `max_timestamp_millis` or `trace_ids` must be specified, but not both."))
	case !byTime && c.get("max_traces") != nil:
		c.note(track.Errorf(track.InvalidParameter, "`max_traces` can't be specified if `trace_ids` is specified."))
	case c.get("max_traces") != nil && d.Max <= 0:
		c.note(track.Errorf(track.InvalidParameter, "`max_traces` must be a positive integer, received %d.", d.Max))
	}
	if c.err != nil {
		return c.err
	}
	n, err := c.store.DeleteTraces(c.ctx, d)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.int("traces_deleted", int64(n))
	c.out.close()
	return nil
}

func (c *call) setTraceTag() error {
	tag := c.tag()
	if c.err != nil {
		return c.err
	}
	return c.store.SetTraceTag(c.ctx, c.text("trace_id"), tag)
}

func (c *call) deleteTraceTag() error {
	return c.store.DeleteTraceTag(c.ctx, c.text("trace_id"), c.text("key"))
}

func (c *call) linkTraces() error {
	ids := c.texts("trace_ids")
	if c.err != nil {
		return c.err
	}
	return c.store.LinkTraces(c.ctx, ids, c.text("run_id"))
}

// linkPrompts adds prompts to those in a tag of the trace.
func (c *call) linkPrompts() error {
	t, err := c.store.TraceInfo(c.ctx, c.text("trace_id"))
	if err != nil {
		return err
	}
	var e encoder
	e.b = append(e.b, '[')
	add := func(a *args) {
		a.need("name")
		var one encoder
		one.open()
		one.str("name", a.text("name"))
		one.str("version", a.text("version"))
		one.close()
		if !strings.Contains(string(e.b), string(one.b)) {
			e.comma()
			e.b = append(e.b, one.b...)
		}
	}
	for _, tag := range t.Tags {
		if tag.Key == track.LinkedPromptsTag {
			old := args{members: []member{{[]byte(track.LinkedPromptsTag), value(tag.Value)}}}
			old.each(track.LinkedPromptsTag, add)
		}
	}
	c.each("prompt_versions", add)
	if c.err != nil {
		return c.err
	}
	return c.store.SetTraceTag(c.ctx, t.ID, track.Tag{Key: track.LinkedPromptsTag, Value: string(append(e.b, ']'))})
}
