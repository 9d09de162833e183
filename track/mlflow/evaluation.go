package mlflow

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

var evalRoutes = []route{
	{"POST", "3.0/mlflow/datasets/create", "makes an evaluation dataset", "name! experiment_ids:array tags", (*call).createEvalDataset},
	{"GET", "3.0/mlflow/datasets/{dataset_id}", "returns an evaluation dataset", "", (*call).getEvalDataset},
	{"DELETE", "3.0/mlflow/datasets/{dataset_id}", "deletes an evaluation dataset and its records", "", (*call).deleteEvalDataset},
	{"POST", "3.0/mlflow/datasets/search", "finds evaluation datasets", "experiment_ids:array filter_string max_results:integer order_by:array page_token", (*call).searchEvalDatasets},
	{"GET", "3.0/mlflow/datasets/search", "finds evaluation datasets", "experiment_ids:array filter_string max_results:integer order_by:array page_token", (*call).searchEvalDatasets},
	{"PATCH", "3.0/mlflow/datasets/{dataset_id}/tags", "sets tags, which are an object in a text", "tags!", (*call).setEvalTags},
	{"DELETE", "3.0/mlflow/datasets/{dataset_id}/tags/{key}", "deletes a tag", "", (*call).deleteEvalTag},
	{"POST", "3.0/mlflow/datasets/{dataset_id}/records", "adds records, which are a list in a text, or merges them", "records!", (*call).putEvalRecords},
	{"GET", "3.0/mlflow/datasets/{dataset_id}/records", "returns records, as a list in a text", "max_results:integer page_token", (*call).getEvalRecords},
	{"DELETE", "3.0/mlflow/datasets/{dataset_id}/records", "deletes records", "dataset_record_ids:array", (*call).deleteEvalRecords},
	{"GET", "3.0/mlflow/datasets/{dataset_id}/experiment-ids", "returns the experiments of an evaluation dataset", "", (*call).evalExperiments},
	{"POST", "3.0/mlflow/datasets/{dataset_id}/add-experiments", "adds an evaluation dataset to experiments", "experiment_ids:array", (*call).addEvalExperiments},
	{"POST", "3.0/mlflow/datasets/{dataset_id}/remove-experiments", "takes it out of experiments", "experiment_ids:array", (*call).removeEvalExperiments},
}

// nested reads a field that is JSON in a text; nothing without it.
func (a *args) nested(name string, into any) {
	text := a.text(name)
	if text == "" || a.err != nil {
		return
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		a.note(track.Errorf(track.InvalidParameter, "Parameter '%s' is not the JSON that it should be: %v", a.where(name), err))
	}
}

// evalTags returns tags that are an object in a text. What is no text there counts as
// Python writes it, and null as nothing.
func (a *args) evalTags() []track.Tag {
	values := map[string]any{}
	a.nested("tags", &values)
	var tags []track.Tag
	for key, v := range values {
		switch v := v.(type) {
		case nil:
		case string:
			tags = append(tags, track.Tag{Key: key, Value: v})
		default:
			b, _ := json.Marshal(v) // it was JSON just now
			tags = append(tags, track.Tag{Key: key, Value: string(b)})
		}
	}
	slices.SortFunc(tags, func(a, b track.Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags
}

func (a *args) experimentIDs() (ids []int64) {
	for _, text := range a.texts("experiment_ids") {
		id, err := track.ParseExperimentID(text)
		a.note(err)
		ids = append(ids, id)
	}
	return ids
}

func (c *call) createEvalDataset() error {
	n := track.NewEvalDataset{Name: c.text("name"), Tags: c.evalTags(), Experiments: c.experimentIDs()}
	if c.err != nil {
		return c.err
	}
	return c.answerEvalDataset(c.store.CreateEvalDataset(c.ctx, n))
}

func (c *call) getEvalDataset() error {
	return c.answerEvalDataset(c.store.EvalDataset(c.ctx, c.text("dataset_id")))
}

func (c *call) answerEvalDataset(d track.EvalDataset, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("dataset")
	c.out.evalDataset(&d)
	c.out.close()
	return nil
}

func (e *encoder) evalDataset(d *track.EvalDataset) {
	e.open()
	e.str("dataset_id", d.ID)
	e.str("name", d.Name)
	var tags encoder
	tags.b = append(tags.b, '{')
	for _, t := range d.Tags {
		tags.comma()
		tags.text(t.Key)
		tags.b = append(tags.b, ':')
		tags.text(t.Value)
	}
	e.str("tags", string(append(tags.b, '}')))
	e.set("schema", d.Schema)
	if d.Count > 0 {
		var profile encoder
		profile.open()
		profile.int("num_records", d.Count)
		profile.close()
		e.str("profile", string(profile.b))
	}
	e.str("digest", d.Digest)
	e.int("created_time", d.Created)
	e.int("last_update_time", d.Updated)
	e.set("created_by", d.CreatedBy)
	e.set("last_updated_by", d.UpdatedBy)
	e.texts("experiment_ids", experimentTexts(d.Experiments))
	e.close()
}

func experimentTexts(ids []int64) (texts []string) {
	for _, id := range ids {
		texts = append(texts, track.FormatExperimentID(id))
	}
	return texts
}

func (c *call) deleteEvalDataset() error {
	return c.store.DeleteEvalDataset(c.ctx, c.text("dataset_id"))
}

func (c *call) searchEvalDatasets() error {
	s := track.EvalDatasetSearch{Experiments: c.experimentIDs(), Search: track.Search{
		Filter: c.text("filter_string"), OrderBy: c.texts("order_by"), Max: int(c.int("max_results", 0)), PageToken: c.text("page_token"),
	}}
	if s.Max == 0 {
		s.Max = 1000
	}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.SearchEvalDatasets(c.ctx, s)
	return answerPage(c, "datasets", page, err, (*encoder).evalDataset)
}

func (c *call) setEvalTags() error {
	tags := c.evalTags()
	if c.err != nil {
		return c.err
	}
	return c.store.SetEvalDatasetTags(c.ctx, c.text("dataset_id"), tags)
}

func (c *call) deleteEvalTag() error {
	return c.store.DeleteEvalDatasetTag(c.ctx, c.text("dataset_id"), c.text("key"))
}

// evalRecord is a record as MLflow's clients write and read it.
type evalRecord struct {
	Dataset      string                     `json:"dataset_id"`
	ID           string                     `json:"dataset_record_id"`
	Inputs       map[string]json.RawMessage `json:"inputs"`
	Outputs      json.RawMessage            `json:"outputs,omitempty"`
	Expectations map[string]json.RawMessage `json:"expectations,omitempty"`
	Tags         map[string]json.RawMessage `json:"tags,omitempty"`
	Source       json.RawMessage            `json:"source,omitempty"`
	SourceType   string                     `json:"source_type,omitempty"`
	SourceID     string                     `json:"source_id,omitempty"`
	Created      int64                      `json:"created_time"`
	Updated      int64                      `json:"last_update_time"`
	CreatedBy    string                     `json:"created_by,omitempty"`
	UpdatedBy    string                     `json:"last_updated_by,omitempty"`
}

// said returns JSON, or nothing if it is null.
func said(v json.RawMessage) json.RawMessage {
	if string(v) == "null" {
		return nil
	}
	return v
}

func (c *call) putEvalRecords() error {
	var records []struct {
		Inputs       map[string]json.RawMessage `json:"inputs"`
		Outputs      json.RawMessage            `json:"outputs"`
		Expectations map[string]json.RawMessage `json:"expectations"`
		Tags         map[string]json.RawMessage `json:"tags"`
		Source       json.RawMessage            `json:"source"`
	}
	c.nested("records", &records)
	if c.err != nil {
		return c.err
	}
	examples := make([]track.Example, len(records))
	for i, r := range records {
		examples[i] = track.Example{Inputs: r.Inputs, Outputs: said(r.Outputs), Expectations: r.Expectations, Tags: r.Tags, Source: said(r.Source)}
	}
	added, merged, err := c.store.PutExamples(c.ctx, c.text("dataset_id"), examples)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.int("inserted_count", int64(added))
	c.out.int("updated_count", int64(merged))
	c.out.close()
	return nil
}

func (c *call) getEvalRecords() error {
	id, most := c.text("dataset_id"), c.int("max_results", 0)
	if most == 0 {
		most = 1000
	}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.Examples(c.ctx, id, int(most), c.text("page_token"))
	if err != nil {
		return err
	}
	records := make([]evalRecord, len(page.Items))
	for i, x := range page.Items {
		records[i] = evalRecord{
			Dataset: id, ID: x.ID, Inputs: x.Inputs, Outputs: x.Outputs, Expectations: x.Expectations, Tags: x.Tags, Source: x.Source,
			Created: x.Created, Updated: x.Updated, CreatedBy: x.CreatedBy, UpdatedBy: x.UpdatedBy,
		}
		records[i].SourceType, records[i].SourceID = sourceOf(x.Source)
	}
	b, err := json.Marshal(records)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.str("records", string(b))
	c.out.set("next_page_token", page.Next)
	c.out.close()
	return nil
}

// sourceOf returns of which kind the source of a record is, and which it is.
func sourceOf(source json.RawMessage) (kind, id string) {
	var s struct {
		Type string `json:"source_type"`
		Data struct {
			Trace string `json:"trace_id"`
			ID    string `json:"source_id"`
		} `json:"source_data"`
	}
	if len(source) == 0 || json.Unmarshal(source, &s) != nil {
		return "", ""
	}
	if s.Type == "TRACE" {
		return s.Type, s.Data.Trace
	}
	return s.Type, s.Data.ID
}

func (c *call) deleteEvalRecords() error {
	ids := c.texts("dataset_record_ids")
	if c.err != nil {
		return c.err
	}
	n, err := c.store.DeleteExamples(c.ctx, c.text("dataset_id"), ids)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.int("deleted_count", int64(n))
	c.out.close()
	return nil
}

func (c *call) evalExperiments() error {
	d, err := c.store.EvalDataset(c.ctx, c.text("dataset_id"))
	if err != nil {
		return err
	}
	c.out.open()
	c.out.texts("experiment_ids", experimentTexts(d.Experiments))
	c.out.close()
	return nil
}

func (c *call) addEvalExperiments() error {
	ids := c.experimentIDs()
	if c.err != nil {
		return c.err
	}
	return c.answerEvalDataset(c.store.ShareEvalDataset(c.ctx, c.text("dataset_id"), ids, nil))
}

func (c *call) removeEvalExperiments() error {
	ids := c.experimentIDs()
	if c.err != nil {
		return c.err
	}
	return c.answerEvalDataset(c.store.ShareEvalDataset(c.ctx, c.text("dataset_id"), nil, ids))
}
