package mlflow

import (
	"github.com/xtrepro/xt/track"
)

var registeredRoutes = []route{
	{"POST", "2.0/mlflow/registered-models/create", "makes a registered model", "name! description tags:array", (*call).createRegistered},
	{"GET", "2.0/mlflow/registered-models/get", "returns a registered model", "name!", (*call).getRegistered},
	{"POST", "2.0/mlflow/registered-models/rename", "renames a registered model", "name! new_name!", (*call).renameRegistered},
	{"PATCH", "2.0/mlflow/registered-models/update", "replaces the description", "name! description", (*call).describeRegistered},
	{"DELETE", "2.0/mlflow/registered-models/delete", "deletes a registered model and its versions for good", "name!", (*call).deleteRegistered},
	{"GET", "2.0/mlflow/registered-models/search", "finds registered models", "filter max_results:integer order_by:array page_token", (*call).searchRegistered},
	{"POST", "2.0/mlflow/registered-models/get-latest-versions", "returns the latest version in each stage", "name! stages:array", (*call).latestVersions},
	{"GET", "2.0/mlflow/registered-models/get-latest-versions", "returns the latest version in each stage", "name! stages:array", (*call).latestVersions},
	{"POST", "2.0/mlflow/registered-models/set-tag", "sets a tag", "name! key! value", (*call).setRegisteredTag},
	{"DELETE", "2.0/mlflow/registered-models/delete-tag", "deletes a tag", "name! key!", (*call).deleteRegisteredTag},
	{"POST", "2.0/mlflow/registered-models/alias", "gives a version a name", "name! alias! version!", (*call).setAlias},
	{"DELETE", "2.0/mlflow/registered-models/alias", "takes the name away", "name! alias!", (*call).deleteAlias},
	{"GET", "2.0/mlflow/registered-models/alias", "returns the version that has a name", "name! alias!", (*call).getAlias},
}

func (c *call) createRegistered() error {
	name, description, tags := c.text("name"), c.text("description"), c.tags("tags")
	if c.err != nil {
		return c.err
	}
	return c.answerRegistered(c.registry.CreateRegisteredModel(c.ctx, name, description, tags))
}

func (c *call) getRegistered() error {
	return c.answerRegistered(c.registry.RegisteredModel(c.ctx, c.text("name")))
}

func (c *call) answerRegistered(m track.RegisteredModel, err error) error {
	if err != nil {
		return err
	}
	c.out.open()
	c.out.name("registered_model")
	c.out.registered(&m)
	c.out.close()
	return nil
}

func (e *encoder) registered(m *track.RegisteredModel) {
	e.open()
	e.str("name", m.Name)
	e.int("creation_timestamp", m.Created)
	e.int("last_updated_timestamp", m.Updated)
	e.set("description", m.Description)
	list(e, "latest_versions", m.Latest, (*encoder).version)
	e.tags("tags", m.Tags)
	list(e, "aliases", m.Aliases, func(e *encoder, a *track.Alias) {
		e.open()
		e.str("alias", a.Name)
		e.str("version", formatVersion(a.Version))
		e.close()
	})
	e.close()
}

func (c *call) renameRegistered() error {
	return c.answerRegistered(c.registry.RenameRegisteredModel(c.ctx, c.text("name"), c.text("new_name")))
}

func (c *call) describeRegistered() error {
	return c.answerRegistered(c.registry.DescribeRegisteredModel(c.ctx, c.text("name"), c.text("description")))
}

func (c *call) deleteRegistered() error {
	return c.registry.DeleteRegisteredModel(c.ctx, c.text("name"))
}

func (c *call) searchRegistered() error {
	s := c.search(100, 1000)
	if c.err != nil {
		return c.err
	}
	page, err := c.registry.SearchRegisteredModels(c.ctx, s)
	return answerPage(c, "registered_models", page, err, (*encoder).registered)
}

func (c *call) latestVersions() error {
	stages := c.texts("stages")
	if c.err != nil {
		return c.err
	}
	versions, err := c.registry.LatestVersions(c.ctx, c.text("name"), stages)
	return answerPage(c, "model_versions", track.Page[track.ModelVersion]{Items: versions}, err, (*encoder).version)
}

func (c *call) setRegisteredTag() error {
	tag := c.tag()
	if c.err != nil {
		return c.err
	}
	return c.registry.SetRegisteredModelTag(c.ctx, c.text("name"), tag)
}

func (c *call) deleteRegisteredTag() error {
	return c.registry.DeleteRegisteredModelTag(c.ctx, c.text("name"), c.text("key"))
}

func (c *call) setAlias() error {
	alias, version := c.text("alias"), c.version()
	if c.err != nil {
		return c.err
	}
	return c.registry.SetAlias(c.ctx, c.text("name"), alias, version)
}

func (c *call) deleteAlias() error {
	return c.registry.DeleteAlias(c.ctx, c.text("name"), c.text("alias"))
}

func (c *call) getAlias() error {
	return c.answerVersion(c.registry.ModelVersionByAlias(c.ctx, c.text("name"), c.text("alias")))
}
