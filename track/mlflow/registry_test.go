package mlflow

import "testing"

// TestVersionOf makes versions of a logged model and of another version: they have
// the files of these, and the run.
func TestVersionOf(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	experiment, run := s.newRun("e")
	logged := at(s.post("/logged-models", object{"experiment_id": experiment, "source_run_id": run}), "model", "info")
	id, files := at(logged, "model_id").(string), at(logged, "artifact_uri").(string)
	s.post("/registered-models/create", object{"name": "m"})
	for i, c := range []struct {
		source, model, runID string
		files, run           string
	}{
		{"s3://b/m", "", "r", "s3://b/m", "r"},
		{"models:/m/1", "", "", "s3://b/m", ""},
		{"models:/m/2", "", "r", "s3://b/m", "r"},
		{"models:/" + id, "", "", files, run},
		{"models:/" + id, id, "r", files, "r"},
		{"s3://b/n", id, "", "s3://b/n", run},
	} {
		v := at(s.post("/model-versions/create", object{"name": "m", "source": c.source, "model_id": c.model, "run_id": c.runID}), "model_version")
		got := at(s.get(api+"/model-versions/get-download-uri?name=m&version="+at(v, "version").(string)), "artifact_uri")
		if got != c.files || at(v, "run_id") != c.run || at(v, "source") != c.source {
			t.Errorf("version %d: the files are at %v, and it is %v", i+1, got, v)
		}
	}
	if resp, body := s.send("POST", api+"/model-versions/create", `{"name":"m","source":"models:/m/99"}`); resp.StatusCode != 404 {
		t.Errorf("%s: %s", resp.Status, body)
	}
}
