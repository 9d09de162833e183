package mlflow

import (
	"github.com/xtrepro/xt/track"
)

var modelRoutes = []route{
	{"POST", "2.0/mlflow/logged-models", "makes a logged model", "experiment_id! name model_type source_run_id params:array tags:array", (*call).createLoggedModel},
	{"POST", "2.0/mlflow/logged-models/search", "finds logged models", "experiment_ids!:array filter datasets:array max_results:integer order_by:array page_token", (*call).searchLoggedModels},
	{"GET", "2.0/mlflow/logged-models/{model_id}", "returns a logged model", "", (*call).getLoggedModel},
	{"PATCH", "2.0/mlflow/logged-models/{model_id}", "sets the status of a logged model", "status!:enum", (*call).finalizeLoggedModel},
	{"DELETE", "2.0/mlflow/logged-models/{model_id}", "deletes a logged model", "", (*call).deleteLoggedModel},
	{"POST", "2.0/mlflow/logged-models/{model_id}/params", "adds parameters", "params:array", (*call).logModelParams},
	{"PATCH", "2.0/mlflow/logged-models/{model_id}/tags", "sets tags", "tags:array", (*call).setModelTags},
	{"DELETE", "2.0/mlflow/logged-models/{model_id}/tags/{tag_key...}", "deletes a tag", "", (*call).deleteModelTag},
	{"GET", "2.0/mlflow/logged-models/{model_id}/artifacts/directories", "lists files of a logged model", "artifact_directory_path", (*call).listModelArtifacts},
}

func (c *call) createLoggedModel() error {
	m := track.NewLoggedModel{
		Experiment: c.experiment("experiment_id"), Name: c.text("name"), Type: c.text("model_type"),
		SourceRun: c.text("source_run_id"), Params: c.params("params"), Tags: c.tags("tags"),
	}
	c.note(track.CheckLoggedModelName(m.Name))
	if c.err != nil {
		return c.err
	}
	return c.answerModel(c.store.CreateLoggedModel(c.ctx, m))
}

func (c *call) getLoggedModel() error {
	return c.answerModel(c.store.LoggedModel(c.ctx, c.text("model_id")))
}

func (c *call) answerModel(m track.LoggedModel, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("model")
	c.out.model(&m)
	c.out.close()
	return nil
}

func (e *encoder) model(m *track.LoggedModel) {
	e.open()
	e.name("info")
	e.open()
	e.str("model_id", m.ID)
	e.str("experiment_id", track.FormatExperimentID(m.Experiment))
	e.str("name", m.Name)
	e.int("creation_timestamp_ms", m.Created)
	e.int("last_updated_timestamp_ms", m.Updated)
	e.str("artifact_uri", m.ArtifactURI)
	e.str("status", string(m.Status))
	e.str("model_type", m.Type)
	e.str("source_run_id", m.SourceRun)
	e.set("status_message", m.StatusMessage)
	e.tags("tags", m.Tags)
	e.close()
	e.name("data")
	e.open()
	e.params(m.Params)
	list(e, "metrics", m.Metrics, (*encoder).metric)
	e.close()
	e.close()
}

func (c *call) finalizeLoggedModel() error {
	status := track.ModelStatus(c.enum("status", "", string(track.ModelPending), string(track.ModelReady), string(track.ModelFailed)))
	if status == "" {
		return mistyped("status", c.get("status"))
	}
	return c.answerModel(c.store.FinalizeLoggedModel(c.ctx, c.text("model_id"), status))
}

func (c *call) deleteLoggedModel() error {
	return c.store.DeleteLoggedModel(c.ctx, c.text("model_id"))
}

func (c *call) logModelParams() error {
	params := c.params("params")
	if c.err != nil {
		return c.err
	}
	return c.store.LogModelParams(c.ctx, c.text("model_id"), params)
}

func (c *call) setModelTags() error {
	tags := c.tags("tags")
	if c.err != nil {
		return c.err
	}
	return c.store.SetModelTags(c.ctx, c.text("model_id"), tags)
}

func (c *call) deleteModelTag() error {
	return c.store.DeleteModelTag(c.ctx, c.text("model_id"), c.text("tag_key"))
}

func (c *call) searchLoggedModels() error {
	s := track.LoggedModelSearch{Experiments: c.experiments("experiment_ids")}
	s.Filter, s.PageToken, s.Max = c.text("filter"), c.text("page_token"), c.pageLength(100, 50_000)
	c.each("datasets", func(a *args) {
		a.need("dataset_name")
		s.Datasets = append(s.Datasets, track.DatasetName{Name: a.text("dataset_name"), Digest: a.text("dataset_digest")})
	})
	c.each("order_by", func(a *args) {
		a.need("field_name")
		s.Order = append(s.Order, track.ModelOrder{
			Field: a.text("field_name"), Descending: a.get("ascending") != nil && !a.bool("ascending"),
			DatasetName: a.text("dataset_name"), DatasetDigest: a.text("dataset_digest"),
		})
	})
	if c.err != nil {
		return c.err
	}
	page, err := c.store.SearchLoggedModels(c.ctx, s)
	return answerPage(c, "models", page, err, (*encoder).model)
}

func (c *call) listModelArtifacts() error {
	m, err := c.store.LoggedModel(c.ctx, c.text("model_id"))
	if err != nil {
		return err
	}
	return c.listBelow(m.ArtifactURI, c.text("artifact_directory_path"))
}
