package mlflow

import (
	"fmt"
	"strings"

	"github.com/xtrepro/xt/track"
)

// The endpoints for datasets that applications are evaluated with. Tags and
// records come and go as texts of JSON.
var evaluationRoutes = []route{
	{"POST", "3.0/mlflow/datasets/create", "makes a dataset for evaluations", "name! experiment_ids:array tags", (*call).createEvaluation},
	{"POST", "3.0/mlflow/datasets/search", "finds datasets for evaluations", "experiment_ids:array filter_string max_results:integer order_by:array page_token", (*call).searchEvaluations},
	{"GET", "3.0/mlflow/datasets/search", "finds datasets for evaluations", "experiment_ids:array filter_string max_results:integer order_by:array page_token", (*call).searchEvaluations},
	{"GET", "3.0/mlflow/datasets/{dataset_id}", "returns a dataset for evaluations", "", (*call).getEvaluation},
	{"DELETE", "3.0/mlflow/datasets/{dataset_id}", "deletes a dataset for evaluations and its records", "", (*call).deleteEvaluation},
	{"PATCH", "3.0/mlflow/datasets/{dataset_id}/tags", "sets tags; those that are null are deleted", "tags!", (*call).setEvaluationTags},
	{"DELETE", "3.0/mlflow/datasets/{dataset_id}/tags/{key...}", "deletes a tag", "", (*call).deleteEvaluationTag},
	{"POST", "3.0/mlflow/datasets/{dataset_id}/records", "adds records; one with the inputs of another is merged into that", "records!", (*call).putEvaluationRecords},
	{"GET", "3.0/mlflow/datasets/{dataset_id}/records", "returns records", "max_results:integer page_token", (*call).getEvaluationRecords},
	{"DELETE", "3.0/mlflow/datasets/{dataset_id}/records", "deletes records", "dataset_record_ids:array", (*call).deleteEvaluationRecords},
	{"GET", "3.0/mlflow/datasets/{dataset_id}/experiment-ids", "returns the experiments of a dataset for evaluations", "", (*call).getEvaluationExperiments},
	{"POST", "3.0/mlflow/datasets/{dataset_id}/add-experiments", "adds experiments", "experiment_ids:array", (*call).addEvaluationExperiments},
	{"POST", "3.0/mlflow/datasets/{dataset_id}/remove-experiments", "removes experiments", "experiment_ids:array", (*call).removeEvaluationExperiments},
}

func (c *call) createEvaluation() error {
	n := track.NewEvaluationDataset{Name: c.text("name"), Experiments: c.experiments("experiment_ids")}
	n.Tags, _ = c.tagTexts("tags")
	if c.err != nil {
		return c.err
	}
	return c.answerEvaluation(c.store.CreateEvaluationDataset(c.ctx, n))
}

// tagTexts returns the tags in a field that is a text of JSON, and the keys of
// those that are null.
func (a *args) tagTexts(name string) (tags []track.Tag, null []string) {
	text := a.text(name)
	if text == "" {
		return nil, nil
	}
	members, ok := appendObject(nil, []byte(text))
	if !ok {
		a.note(badText(a.where(name), "an object"))
	}
	for _, m := range members {
		if key := unquote(m.name); m.value.isNull() {
			null = append(null, key)
		} else {
			tags = append(tags, track.Tag{Key: key, Value: m.value.python()})
		}
	}
	return tags, null
}

func badText(name, want string) error {
	return track.Errorf(track.InvalidParameter, "Invalid value for parameter '%s' supplied: it must be the JSON of %s.", name, want)
}

// python returns a value as Python's str does, if it is a text, a number or a
// truth.
func (v value) python() string {
	switch v[0] {
	case '"':
		return unquote(v.inner())
	case 't', 'f':
		return strings.ToUpper(string(v[:1])) + string(v[1:])
	}
	return string(v)
}

// getEvaluation answers without the experiments, as MLflow's server does: clients ask
// for them when they need them.
func (c *call) getEvaluation() error {
	d, err := c.store.EvaluationDataset(c.ctx, c.text("dataset_id"))
	if err != nil {
		return err
	}
	c.writeEvaluation(&d, nil)
	return nil
}

// answerEvaluation answers with a dataset that was changed, and its experiments,
// for which not every client knows whom to ask later.
func (c *call) answerEvaluation(d track.EvaluationDataset, err error) error {
	var experiments []int64
	if err == nil {
		experiments, err = c.store.EvaluationExperiments(c.ctx, d.ID)
	}
	if err != nil {
		return err
	}
	c.writeEvaluation(&d, experiments)
	return nil
}

func (c *call) writeEvaluation(d *track.EvaluationDataset, experiments []int64) {
	c.out.open()
	c.out.name("dataset")
	c.out.evaluation(d, experiments)
	c.out.close()
}

func (e *encoder) experimentIDs(ids []int64) {
	list(e, "experiment_ids", ids, func(e *encoder, id *int64) { e.comma(); e.text(track.FormatExperimentID(*id)) })
}

// evaluation writes a dataset, and its experiments if there are some.
func (e *encoder) evaluation(d *track.EvaluationDataset, experiments []int64) {
	var tags encoder
	tags.tagObject(d.Tags)
	e.open()
	e.str("dataset_id", d.ID)
	e.str("name", d.Name)
	e.str("tags", string(tags.b))
	e.set("schema", d.Schema.String())
	if d.Records > 0 {
		e.str("profile", fmt.Sprintf(`{"num_records": %d}`, d.Records))
	}
	e.str("digest", d.Digest)
	e.int("created_time", d.Created)
	e.int("last_update_time", d.Updated)
	e.set("created_by", d.CreatedBy)
	e.set("last_updated_by", d.UpdatedBy)
	if experiments != nil {
		e.experimentIDs(experiments)
	}
	e.close()
}

func (c *call) deleteEvaluation() error {
	return c.store.DeleteEvaluationDataset(c.ctx, c.text("dataset_id"))
}

func (c *call) searchEvaluations() error {
	s := track.EvaluationSearch{Experiments: c.experiments("experiment_ids"), Search: track.Search{
		Filter: c.text("filter_string"), OrderBy: c.texts("order_by"), Max: c.pageLength(1000, 50_000), PageToken: c.text("page_token"),
	}}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.SearchEvaluationDatasets(c.ctx, s)
	return answerPage(c, "datasets", page, err, func(e *encoder, d *track.EvaluationDataset) { e.evaluation(d, nil) })
}

func (c *call) setEvaluationTags() error {
	tags, null := c.tagTexts("tags")
	if c.err != nil {
		return c.err
	}
	return c.store.SetEvaluationTags(c.ctx, c.text("dataset_id"), tags, null)
}

func (c *call) deleteEvaluationTag() error {
	return c.store.DeleteEvaluationTag(c.ctx, c.text("dataset_id"), c.text("key"))
}

func (c *call) getEvaluationExperiments() error {
	ids, err := c.store.EvaluationExperiments(c.ctx, c.text("dataset_id"))
	if err != nil {
		return err
	}
	c.out.open()
	c.out.experimentIDs(ids)
	c.out.close()
	return nil
}

func (c *call) addEvaluationExperiments() error {
	ids := c.experiments("experiment_ids")
	if c.err != nil {
		return c.err
	}
	return c.answerEvaluation(c.store.AddEvaluationExperiments(c.ctx, c.text("dataset_id"), ids))
}

func (c *call) removeEvaluationExperiments() error {
	ids := c.experiments("experiment_ids")
	if c.err != nil {
		return c.err
	}
	return c.answerEvaluation(c.store.RemoveEvaluationExperiments(c.ctx, c.text("dataset_id"), ids))
}
