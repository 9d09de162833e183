package mlflow

import (
	"cmp"

	"github.com/xtrepro/xt/track"
)

var experimentRoutes = []route{
	{"POST", "2.0/mlflow/experiments/create", "makes an experiment", "name! artifact_location tags:array", (*call).createExperiment},
	{"GET", "2.0/mlflow/experiments/get", "returns an experiment", "experiment_id!", (*call).getExperiment},
	{"GET", "2.0/mlflow/experiments/get-by-name", "returns an experiment", "experiment_name!", (*call).getExperimentByName},
	{"POST", "2.0/mlflow/experiments/search", "finds experiments", "max_results:integer page_token filter order_by:array view_type:enum", (*call).searchExperiments},
	{"GET", "2.0/mlflow/experiments/search", "finds experiments", "max_results:integer page_token filter order_by:array view_type:enum", (*call).searchExperiments},
	{"POST", "2.0/mlflow/experiments/update", "renames an experiment", "experiment_id! new_name!", (*call).updateExperiment},
	{"POST", "2.0/mlflow/experiments/delete", "deletes an experiment and its runs; they can be restored", "experiment_id!", (*call).deleteExperiment},
	{"POST", "2.0/mlflow/experiments/restore", "takes that back", "experiment_id!", (*call).restoreExperiment},
	{"POST", "2.0/mlflow/experiments/set-experiment-tag", "sets a tag", "experiment_id! key! value", (*call).setExperimentTag},
	{"POST", "2.0/mlflow/experiments/delete-experiment-tag", "deletes a tag", "experiment_id! key!", (*call).deleteExperimentTag},
}

// experiment returns the number of an experiment, 0 without one.
func (a *args) experiment(name string) int64 {
	text := a.text(name)
	if text == "" {
		return 0
	}
	id, err := track.ParseExperimentID(text)
	a.note(err)
	return id
}

// experiments returns the numbers of experiments.
func (a *args) experiments(name string) []int64 {
	var ids []int64
	for _, text := range a.texts(name) {
		id, err := track.ParseExperimentID(text)
		a.note(err)
		ids = append(ids, id)
	}
	return ids
}

// tags returns a list of tags, whose keys are required.
func (a *args) tags(name string) []track.Tag {
	var tags []track.Tag
	a.each(name, func(a *args) {
		a.need("key")
		tags = append(tags, track.Tag{Key: a.text("key"), Value: a.text("value")})
	})
	return tags
}

func (a *args) tag() track.Tag { return track.Tag{Key: a.text("key"), Value: a.text("value")} }

// view returns which lifecycles a search is for.
func (a *args) view(name string) track.View {
	switch a.enum(name, "", "ACTIVE_ONLY", "DELETED_ONLY", "ALL") {
	case "DELETED_ONLY":
		return track.DeletedOnly
	case "ALL":
		return track.All
	}
	return track.ActiveOnly
}

// search returns what searches have in common.
func (a *args) search(otherwise, limit int64) track.Search {
	n := a.int("max_results", otherwise)
	a.note(track.CheckMax(int(n), int(limit)))
	return track.Search{Filter: a.text("filter"), OrderBy: a.texts("order_by"), Max: int(n), PageToken: a.text("page_token")}
}

// pageLength returns how many are wanted where 0 stands for the usual number.
func (a *args) pageLength(usual, limit int64) int {
	n := int(cmp.Or(a.int("max_results", 0), usual))
	a.note(track.CheckMax(n, int(limit)))
	return n
}

func (c *call) createExperiment() error {
	e := track.NewExperiment{Name: c.text("name"), ArtifactLocation: c.text("artifact_location"), Tags: c.tags("tags")}
	if c.err != nil {
		return c.err
	}
	id, err := c.store.CreateExperiment(c.ctx, e)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.str("experiment_id", track.FormatExperimentID(id))
	c.out.close()
	return nil
}

func (c *call) getExperiment() error {
	id := c.experiment("experiment_id")
	if c.err != nil {
		return c.err
	}
	return c.answerExperiment(c.store.Experiment(c.ctx, id))
}

func (c *call) getExperimentByName() error {
	return c.answerExperiment(c.store.ExperimentByName(c.ctx, c.text("experiment_name")))
}

func (c *call) answerExperiment(e track.Experiment, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("experiment")
	c.out.experimentValue(&e)
	c.out.close()
	return nil
}

func (e *encoder) experimentValue(x *track.Experiment) {
	e.open()
	e.str("experiment_id", track.FormatExperimentID(x.ID))
	e.str("name", x.Name)
	e.str("artifact_location", x.ArtifactLocation)
	e.str("lifecycle_stage", string(x.Lifecycle))
	e.int("last_update_time", x.Updated)
	e.int("creation_time", x.Created)
	e.tags("tags", x.Tags)
	e.close()
}

func (c *call) searchExperiments() error {
	s := track.ExperimentSearch{Search: c.search(0, 50000), View: c.view("view_type")}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.SearchExperiments(c.ctx, s)
	return answerPage(c, "experiments", page, err, (*encoder).experimentValue)
}

// answerPage answers with a page of a search.
func answerPage[T any](c *call, name string, page track.Page[T], err error, f func(*encoder, *T)) error {
	if err != nil {
		return err
	}
	c.out.open()
	list(&c.out, name, page.Items, f)
	c.out.set("next_page_token", page.Next)
	c.out.close()
	return nil
}

func (c *call) updateExperiment() error {
	id, name := c.experiment("experiment_id"), c.text("new_name")
	if c.err != nil {
		return c.err
	}
	return c.store.RenameExperiment(c.ctx, id, name)
}

func (c *call) deleteExperiment() error {
	id := c.experiment("experiment_id")
	if c.err != nil {
		return c.err
	}
	return c.store.DeleteExperiment(c.ctx, id)
}

func (c *call) restoreExperiment() error {
	id := c.experiment("experiment_id")
	if c.err != nil {
		return c.err
	}
	return c.store.RestoreExperiment(c.ctx, id)
}

func (c *call) setExperimentTag() error {
	id, tag := c.experiment("experiment_id"), c.tag()
	if c.err != nil {
		return c.err
	}
	return c.store.SetExperimentTag(c.ctx, id, tag)
}

func (c *call) deleteExperimentTag() error {
	id, key := c.experiment("experiment_id"), c.text("key")
	if c.err != nil {
		return c.err
	}
	return c.store.DeleteExperimentTag(c.ctx, id, key)
}
