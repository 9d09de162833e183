package mlflow

import (
	"strconv"

	"github.com/xtrepro/xt/track"
)

var versionRoutes = []route{
	{"POST", "2.0/mlflow/model-versions/create", "adds a version to a registered model", "name! source! run_id run_link description model_id tags:array", (*call).createVersion},
	{"GET", "2.0/mlflow/model-versions/get", "returns a version", "name! version!", (*call).getVersion},
	{"PATCH", "2.0/mlflow/model-versions/update", "replaces the description", "name! version! description", (*call).describeVersion},
	{"POST", "2.0/mlflow/model-versions/transition-stage", "moves a version to a stage", "name! version! stage! archive_existing_versions:boolean", (*call).stageVersion},
	{"DELETE", "2.0/mlflow/model-versions/delete", "deletes a version", "name! version!", (*call).deleteVersion},
	{"GET", "2.0/mlflow/model-versions/search", "finds versions", "filter max_results:integer order_by:array page_token", (*call).searchVersions},
	{"GET", "2.0/mlflow/model-versions/get-download-uri", "returns where the files of a version are", "name! version!", (*call).versionSource},
	{"POST", "2.0/mlflow/model-versions/set-tag", "sets a tag", "name! version! key! value", (*call).setVersionTag},
	{"DELETE", "2.0/mlflow/model-versions/delete-tag", "deletes a tag", "name! version! key!", (*call).deleteVersionTag},
}

// version returns the number of a version.
func (a *args) version() int64 {
	text := a.text("version")
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		a.note(track.Errorf(track.InvalidParameter, "Parameter 'version' must be an integer, got '%s'.", text))
	}
	return n
}

func formatVersion(n int64) string { return strconv.FormatInt(n, 10) }

func (c *call) createVersion() error {
	v := track.NewModelVersion{
		Name: c.text("name"), Description: c.text("description"), Source: c.text("source"),
		RunID: c.text("run_id"), RunLink: c.text("run_link"), ModelID: c.text("model_id"), Tags: c.tags("tags"),
	}
	if c.err != nil {
		return c.err
	}
	if err := c.findSource(&v); err != nil {
		return err
	}
	made, err := c.registry.CreateModelVersion(c.ctx, v)
	if err == nil && v.ModelID != "" {
		err = c.nameVersion(v.ModelID, made)
	}
	return c.answerVersion(made, err)
}

func (c *call) answerVersion(v track.ModelVersion, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("model_version")
	c.out.version(&v)
	c.out.close()
	return nil
}

func (e *encoder) version(v *track.ModelVersion) {
	e.open()
	e.str("name", v.Name)
	e.str("version", formatVersion(v.Version))
	e.int("creation_timestamp", v.Created)
	e.int("last_updated_timestamp", v.Updated)
	e.set("user_id", v.User)
	e.str("current_stage", v.Stage)
	e.str("description", v.Description)
	e.str("source", v.Source)
	e.str("run_id", v.RunID)
	e.str("status", v.Status)
	e.set("status_message", v.StatusMessage)
	e.tags("tags", v.Tags)
	e.str("run_link", v.RunLink)
	e.texts("aliases", v.Aliases)
	e.set("model_id", v.ModelID)
	e.close()
}

func (c *call) getVersion() error {
	version := c.version()
	if c.err != nil {
		return c.err
	}
	return c.answerVersion(c.registry.ModelVersion(c.ctx, c.text("name"), version))
}

func (c *call) describeVersion() error {
	version, description := c.version(), c.text("description")
	if c.err != nil {
		return c.err
	}
	return c.answerVersion(c.registry.DescribeModelVersion(c.ctx, c.text("name"), version, description))
}

func (c *call) stageVersion() error {
	version, archive := c.version(), c.bool("archive_existing_versions")
	if c.err != nil {
		return c.err
	}
	return c.answerVersion(c.registry.StageModelVersion(c.ctx, c.text("name"), version, c.text("stage"), archive))
}

func (c *call) deleteVersion() error {
	version := c.version()
	if c.err != nil {
		return c.err
	}
	return c.registry.DeleteModelVersion(c.ctx, c.text("name"), version)
}

func (c *call) searchVersions() error {
	s := c.search(10000, 200_000)
	if c.err != nil {
		return c.err
	}
	page, err := c.registry.SearchModelVersions(c.ctx, s)
	return answerPage(c, "model_versions", page, err, (*encoder).version)
}

func (c *call) versionSource() error {
	version := c.version()
	if c.err != nil {
		return c.err
	}
	url, err := c.registry.ModelVersionFiles(c.ctx, c.text("name"), version)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.str("artifact_uri", url)
	c.out.close()
	return nil
}

func (c *call) setVersionTag() error {
	version, tag := c.version(), c.tag()
	if c.err != nil {
		return c.err
	}
	return c.registry.SetModelVersionTag(c.ctx, c.text("name"), version, tag)
}

func (c *call) deleteVersionTag() error {
	version := c.version()
	if c.err != nil {
		return c.err
	}
	return c.registry.DeleteModelVersionTag(c.ctx, c.text("name"), version, c.text("key"))
}
