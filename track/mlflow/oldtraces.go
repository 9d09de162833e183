package mlflow

import "github.com/xtrepro/xt/track"

// The endpoints for traces of clients before 3.0. They store the spans as an
// artifact, and name traces as the server says.
var oldTraceRoutes = []route{
	{"POST", "2.0/mlflow/traces", "starts a trace, for clients before 3.0", "experiment_id! timestamp_ms!:integer request_metadata:array tags:array", (*call).startOldTrace},
	{"PATCH", "2.0/mlflow/traces/{request_id}", "ends a trace, for clients before 3.0", "timestamp_ms!:integer status!:enum request_metadata:array tags:array", (*call).endOldTrace},
	{"GET", "2.0/mlflow/traces/{request_id}/info", "returns a trace, for clients before 3.0", "", (*call).getOldTrace},
	{"GET", "2.0/mlflow/traces", "finds traces, for clients before 3.0", "experiment_ids!:array filter max_results:integer order_by:array page_token", (*call).searchOldTraces},
	{"PATCH", "2.0/mlflow/traces/{trace_id}/tags", "sets a tag", "key! value", (*call).setTraceTag},
	{"DELETE", "2.0/mlflow/traces/{trace_id}/tags", "deletes a tag", "key!", (*call).deleteTraceTag},
}

func (c *call) startOldTrace() error {
	return c.answerOldTrace(c.newTrace(track.TraceInfo{
		ID: track.NewRunID(), Experiment: c.experiment("experiment_id"), RequestTime: c.int("timestamp_ms", 0), Duration: -1,
		State: inProgress, Tags: c.tags("tags"), Metadata: c.tags("request_metadata"),
	}))
}

func (c *call) endOldTrace() error {
	end, status := c.int("timestamp_ms", 0), c.traceState("status", "TRACE_STATUS_UNSPECIFIED")
	tags, metadata := c.tags("tags"), c.tags("request_metadata")
	if c.err != nil {
		return c.err
	}
	t, err := c.store.TraceInfo(c.ctx, c.text("request_id"))
	if err != nil {
		return err
	}
	t.Duration, t.State, t.Tags, t.Metadata, t.Assessments = max(0, end-t.RequestTime), status, tags, metadata, nil
	return c.answerOldTrace(c.store.PutTrace(c.ctx, t))
}

func (c *call) getOldTrace() error {
	return c.answerOldTrace(c.store.TraceInfo(c.ctx, c.text("request_id")))
}

func (c *call) answerOldTrace(t track.TraceInfo, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("trace_info")
	c.out.oldTrace(&t)
	c.out.close()
	return nil
}

func (e *encoder) oldTrace(t *track.TraceInfo) {
	e.open()
	e.str("request_id", t.ID)
	e.str("experiment_id", track.FormatExperimentID(t.Experiment))
	e.int("timestamp_ms", t.RequestTime)
	e.int("execution_time_ms", max(0, t.Duration))
	e.str("status", t.State)
	e.tags("request_metadata", t.Metadata)
	e.tags("tags", t.Tags)
	e.close()
}

func (c *call) searchOldTraces() error {
	return c.answerTraces(c.experiments("experiment_ids"), (*encoder).oldTrace)
}
