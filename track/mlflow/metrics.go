package mlflow

import (
	"slices"

	"github.com/xtrepro/xt/track"
)

var metricRoutes = []route{
	{"POST", "2.0/mlflow/runs/log-metric", "logs a point of a metric", "run_id! key! value!:number timestamp!:integer step:integer model_id dataset_name dataset_digest", (*call).logMetric},
	{"GET", "2.0/mlflow/metrics/get-history", "returns the points of a metric", "run_id! metric_key! page_token max_results:integer", (*call).metricHistory},
	{"GET", "2.0/mlflow/metrics/get-history-bulk", "returns the points of a metric in some runs", "run_id:array metric_key max_results:integer", (*call).metricHistories},
	{"GET", "2.0/mlflow/metrics/get-history-bulk-interval", "returns some points of a metric in some runs, evenly spread", "run_ids!:array metric_key! start_step:integer end_step:integer max_results:integer", (*call).sampleHistory},
}

func (c *call) logMetric() error {
	m := c.point(nil)
	if c.err != nil {
		return c.err
	}
	return c.store.LogMetric(c.ctx, c.text("run_id"), m)
}

// point reads a point. Those of one curve share the text of the key, for there
// may be a thousand of them: keys, if not nil, has those that were met.
func (a *args) point(keys map[string]string) track.Metric {
	var key string
	if v := a.get("key"); v != nil {
		var met bool
		if key, met = keys[string(v)]; !met {
			key = a.text("key")
		}
		if keys != nil && !met {
			keys[string(v)] = key
		}
	}
	return track.Metric{
		Key: key, Value: a.float("value"), Time: a.int("timestamp", 0), Step: a.int("step", 0),
		ModelID: a.text("model_id"), DatasetName: a.text("dataset_name"), DatasetDigest: a.text("dataset_digest"),
	}
}

// metrics returns a list of points.
func (a *args) metrics(name string) []track.Metric {
	var points []track.Metric
	keys := map[string]string{}
	a.each(name, func(a *args) {
		for _, name := range [...]string{"key", "value", "timestamp"} {
			a.need(name)
		}
		points = append(points, a.point(keys))
	})
	return points
}

func (e *encoder) metric(m *track.Metric) {
	e.open()
	e.str("key", m.Key)
	e.float("value", m.Value)
	e.int("timestamp", m.Time)
	e.int("step", m.Step)
	e.set("dataset_name", m.DatasetName)
	e.set("dataset_digest", m.DatasetDigest)
	e.set("model_id", m.ModelID)
	e.set("run_id", m.RunID)
	e.close()
}

func (c *call) metricHistory() error {
	q := track.HistoryQuery{RunID: c.text("run_id"), Key: c.text("metric_key"), PageToken: c.text("page_token")}
	if n := c.int("max_results", 0); c.get("max_results") != nil {
		c.note(track.CheckMax(int(n), maxPoints))
		q.Max = int(n)
	}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.MetricHistory(c.ctx, q)
	return answerPage(c, "metrics", page, err, (*encoder).metric)
}

// The limits of histories.
const (
	maxPoints      = 1 << 30 // upstream has none
	maxBulkRuns    = 100
	maxBulkPoints  = 25000
	maxBulkSamples = 2500
	usualSamples   = 320
)

func (c *call) metricHistories() error {
	ids, key := c.texts("run_id"), c.text("metric_key")
	switch {
	case len(ids) == 0:
		c.note(track.Errorf(track.InvalidParameter, "GetMetricHistoryBulk request must specify at least one run_id."))
	case len(ids) > maxBulkRuns:
		c.note(track.Errorf(track.InvalidParameter, "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", maxBulkRuns, len(ids)))
	case key == "":
		c.note(track.Errorf(track.InvalidParameter, "GetMetricHistoryBulk request must specify a metric_key."))
	}
	left := int(min(maxBulkPoints, c.int("max_results", maxBulkPoints)))
	c.note(track.CheckMax(left, maxBulkPoints))
	if c.err != nil {
		return c.err
	}
	slices.Sort(ids) // the order in which MLflow answers
	var points []track.Metric
	for _, id := range ids {
		if left == 0 {
			break
		}
		page, err := c.store.MetricHistory(c.ctx, track.HistoryQuery{RunID: id, Key: key, Max: left})
		if err != nil {
			return err
		}
		for i := range page.Items {
			page.Items[i].RunID = id
		}
		points = append(points, page.Items...)
		left -= len(page.Items)
	}
	return answerPage(c, "metrics", track.Page[track.Metric]{Items: points}, nil, (*encoder).metric)
}

func (c *call) sampleHistory() error {
	q := track.SampleQuery{RunIDs: c.texts("run_ids"), Key: c.text("metric_key"), Max: int(c.int("max_results", usualSamples))}
	if len(q.RunIDs) > maxBulkRuns {
		c.note(track.Errorf(track.InvalidParameter, "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %d run_ids. %s", maxBulkRuns, len(q.RunIDs), seeDocs))
	}
	if q.Max < 1 || q.Max > maxBulkSamples {
		c.note(track.Errorf(track.InvalidParameter, "max_results must be between 1 and %d. %s", maxBulkSamples, seeDocs))
	}
	from, to := c.get("start_step"), c.get("end_step")
	if (from == nil) != (to == nil) {
		c.note(track.Errorf(track.InvalidParameter, "If either start step or end step are specified, both must be specified."))
	}
	if from != nil {
		start, end := c.int("start_step", 0), c.int("end_step", 0)
		if start > end {
			c.note(track.Errorf(track.InvalidParameter, "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", start, end))
		}
		q.From, q.To = &start, &end
	}
	if c.err != nil {
		return c.err
	}
	points, err := c.store.SampleHistory(c.ctx, q)
	return answerPage(c, "metrics", track.Page[track.Metric]{Items: points}, err, (*encoder).metric)
}
