package mlflow

import "github.com/xtrepro/xt/track"

var runRoutes = []route{
	{"POST", "2.0/mlflow/runs/create", "makes a run", "experiment_id! user_id run_name start_time:integer tags:array", (*call).createRun},
	{"GET", "2.0/mlflow/runs/get", "returns a run, with the latest point of each metric", "run_id!", (*call).getRun},
	{"POST", "2.0/mlflow/runs/update", "changes the status, the end and the name of a run", "run_id! status:enum end_time:integer run_name", (*call).updateRun},
	{"POST", "2.0/mlflow/runs/delete", "deletes a run; it can be restored", "run_id!", (*call).deleteRun},
	{"POST", "2.0/mlflow/runs/restore", "takes that back", "run_id!", (*call).restoreRun},
	{"POST", "2.0/mlflow/runs/search", "finds runs", "experiment_ids:array filter run_view_type:enum max_results:integer order_by:array page_token", (*call).searchRuns},
	{"POST", "2.0/mlflow/runs/log-parameter", "logs a parameter, once", "run_id! key! value", (*call).logParam},
	{"POST", "2.0/mlflow/runs/set-tag", "sets a tag", "run_id! key! value", (*call).setTag},
	{"POST", "2.0/mlflow/runs/delete-tag", "deletes a tag", "run_id! key!", (*call).deleteTag},
	{"POST", "2.0/mlflow/runs/log-batch", "logs metrics, parameters and tags, all or none", "run_id! metrics:array params:array tags:array", (*call).logBatch},
	{"POST", "2.0/mlflow/runs/log-model", "records a model that the run made", "run_id! model_json!", (*call).logModel},
	{"POST", "2.0/mlflow/runs/log-inputs", "records datasets and models that the run used", "run_id! datasets:array models:array", (*call).logInputs},
	{"POST", "2.0/mlflow/runs/outputs", "records logged models that the run made", "run_id! models:array", (*call).logOutputs},
}

func (c *call) createRun() error {
	r := track.NewRun{
		Experiment: c.experiment("experiment_id"),
		Name:       c.text("run_name"),
		User:       c.text("user_id"),
		Start:      c.int("start_time", 0),
		Tags:       c.tags("tags"),
		Origin:     &track.Origin{Kind: track.ClientRun},
	}
	if c.err != nil {
		return c.err
	}
	return c.answerRun(c.store.CreateRun(c.ctx, r))
}

func (c *call) getRun() error { return c.answerRun(c.store.Run(c.ctx, c.text("run_id"))) }

func (c *call) answerRun(r track.Run, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("run")
	c.out.runValue(&r)
	c.out.close()
	return nil
}

func (e *encoder) runValue(r *track.Run) {
	e.open()
	e.name("info")
	e.runInfo(&r.RunInfo)
	e.name("data")
	e.open()
	list(e, "metrics", r.Metrics, (*encoder).metric)
	e.params(r.Params)
	e.tags("tags", r.Tags)
	e.close()
	e.runInputs(r)
	e.name("outputs")
	e.open()
	list(e, "model_outputs", r.ModelOutputs, func(e *encoder, m *track.ModelOutput) {
		e.open()
		e.str("model_id", m.ModelID)
		e.int("step", m.Step)
		e.close()
	})
	e.close()
	e.close()
}

func (e *encoder) runInputs(r *track.Run) {
	e.name("inputs")
	e.open()
	list(e, "dataset_inputs", r.Inputs, func(e *encoder, d *track.DatasetInput) {
		e.open()
		e.tags("tags", d.Tags)
		e.name("dataset")
		e.dataset(&d.Dataset)
		e.close()
	})
	list(e, "model_inputs", r.ModelInputs, func(e *encoder, m *track.ModelInput) {
		e.open()
		e.str("model_id", m.ModelID)
		e.close()
	})
	e.close()
}

func (e *encoder) dataset(d *track.Dataset) {
	e.open()
	e.str("name", d.Name)
	e.str("digest", d.Digest)
	e.str("source_type", d.SourceType)
	e.str("source", d.Source)
	e.set("schema", d.Schema)
	e.set("profile", d.Profile)
	e.close()
}

func (e *encoder) runInfo(r *track.RunInfo) {
	e.open()
	e.str("run_uuid", r.ID)
	e.str("experiment_id", track.FormatExperimentID(r.Experiment))
	e.str("run_name", r.Name)
	e.str("user_id", r.User)
	e.str("status", string(r.Status))
	e.int("start_time", r.Start)
	e.setInt("end_time", r.End)
	e.str("artifact_uri", r.ArtifactURI)
	e.str("lifecycle_stage", string(r.Lifecycle))
	e.str("run_id", r.ID)
	e.close()
}

// updateRun passes over a status that is none, as upstream does.
func (c *call) updateRun() error {
	u := track.RunUpdate{
		Status: track.Status(c.enum("status", "", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")),
		End:    c.int("end_time", 0),
		Name:   c.text("run_name"),
	}
	if c.err != nil {
		return c.err
	}
	info, err := c.store.UpdateRun(c.ctx, c.text("run_id"), u)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("run_info")
	c.out.runInfo(&info)
	c.out.close()
	return nil
}

func (c *call) deleteRun() error  { return c.store.DeleteRun(c.ctx, c.text("run_id")) }
func (c *call) restoreRun() error { return c.store.RestoreRun(c.ctx, c.text("run_id")) }

const maxRuns = 50000

func (c *call) searchRuns() error {
	if c.int("max_results", 1) > maxRuns {
		return mistyped("max_results", c.get("max_results"))
	}
	s := track.RunSearch{Search: c.search(1000, maxRuns), Experiments: c.experiments("experiment_ids"), View: c.view("run_view_type")}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.SearchRuns(c.ctx, s)
	return answerPage(c, "runs", page, err, (*encoder).runValue)
}

func (c *call) logParam() error {
	p := track.Param{Key: c.text("key"), Value: c.text("value")}
	if c.err != nil {
		return c.err
	}
	return c.store.LogParam(c.ctx, c.text("run_id"), p)
}

func (c *call) setTag() error {
	t := c.tag()
	if c.err != nil {
		return c.err
	}
	return c.store.SetTag(c.ctx, c.text("run_id"), t)
}

func (c *call) deleteTag() error { return c.store.DeleteTag(c.ctx, c.text("run_id"), c.text("key")) }

func (c *call) logBatch() error {
	b := track.Batch{Metrics: c.metrics("metrics"), Params: c.params("params"), Tags: c.tags("tags")}
	if c.err != nil {
		return c.err
	}
	return c.store.LogBatch(c.ctx, c.text("run_id"), b)
}

// params returns a list of parameters, whose keys are required.
func (a *args) params(name string) []track.Param {
	var params []track.Param
	a.each(name, func(a *args) {
		a.need("key")
		params = append(params, track.Param{Key: a.text("key"), Value: a.text("value")})
	})
	return params
}

func (c *call) logModel() error {
	model := c.text("model_json")
	if _, ok := appendObject(nil, []byte(model)); c.err == nil && !ok {
		c.note(track.Errorf(track.InvalidParameter, "Malformed model info. \n %s \n is not valid JSON.", model[:min(len(model), 500)]))
	}
	if c.err != nil {
		return c.err
	}
	return c.store.RecordModel(c.ctx, c.text("run_id"), model)
}

func (c *call) logInputs() error {
	var data []track.DatasetInput
	c.each("datasets", func(a *args) {
		a.need("dataset")
		d := a.part("dataset")
		for _, name := range []string{"name", "digest", "source_type", "source"} {
			d.need(name)
		}
		data = append(data, track.DatasetInput{
			Dataset: track.Dataset{Name: d.text("name"), Digest: d.text("digest"), SourceType: d.text("source_type"), Source: d.text("source"), Schema: d.text("schema"), Profile: d.text("profile")},
			Tags:    a.tags("tags"),
		})
		a.note(d.err)
	})
	var models []track.ModelInput
	c.each("models", func(a *args) {
		a.need("model_id")
		models = append(models, track.ModelInput{ModelID: a.text("model_id")})
	})
	if c.err != nil {
		return c.err
	}
	return c.store.LogInputs(c.ctx, c.text("run_id"), data, models)
}

func (c *call) logOutputs() error {
	var models []track.ModelOutput
	c.each("models", func(a *args) {
		a.need("model_id")
		models = append(models, track.ModelOutput{ModelID: a.text("model_id"), Step: a.int("step", 0)})
	})
	if c.err != nil {
		return c.err
	}
	return c.store.LogOutputs(c.ctx, c.text("run_id"), models)
}
