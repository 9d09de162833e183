package mlflow

import (
	"cmp"
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

// findSource checks the source of a version, and finds the files and the run of
// one that is made from a logged model or from another version. The source of a
// prompt says nothing.
func (c *call) findSource(v *track.NewModelVersion) error {
	if slices.Contains(v.Tags, track.Tag{Key: track.PromptTag, Value: "true"}) {
		return nil
	}
	of, isModel := strings.CutPrefix(v.Source, "models:/")
	isLogged := isModel && strings.HasPrefix(of, "m-") && !strings.ContainsAny(of, "/@")
	if isModel && !isLogged {
		return c.findVersion(v, of)
	}
	logged := v.ModelID
	if isLogged {
		logged = of
	}
	if logged == "" {
		return c.checkSource(v, "")
	}
	m, err := c.store.LoggedModel(c.ctx, logged)
	if err != nil {
		return err
	}
	v.RunID = cmp.Or(v.RunID, m.SourceRun)
	if isLogged {
		v.StorageLocation = m.ArtifactURI
	}
	return c.checkSource(v, m.ArtifactURI)
}

// findVersion finds the files of a version that is made from another one, which is
// named as "NAME/NUMBER" or "NAME@ALIAS".
func (c *call) findVersion(v *track.NewModelVersion, of string) error {
	source, err := c.sourceVersion(of)
	if err != nil {
		return err
	}
	v.Source = "models:/" + source.Name + "/" + formatVersion(source.Version)
	v.RunID, v.ModelID = cmp.Or(v.RunID, source.RunID), cmp.Or(v.ModelID, source.ModelID)
	v.StorageLocation, err = c.registry.ModelVersionFiles(c.ctx, source.Name, source.Version)
	return err
}

func (c *call) sourceVersion(of string) (track.ModelVersion, error) {
	if name, alias, ok := strings.Cut(of, "@"); ok {
		return c.registry.ModelVersionByAlias(c.ctx, name, alias)
	}
	name, number, _ := strings.Cut(of, "/")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return track.ModelVersion{}, track.Errorf(track.InvalidParameter, "Invalid model version source: 'models:/%s'. It must be a logged model, or a version such as models:/NAME/1 or models:/NAME@ALIAS.", of)
	}
	return c.registry.ModelVersion(c.ctx, name, n)
}

// checkSource refuses sources outside of what the run or the logged model, whose
// files are at model, has logged: clients fetch whatever a version names.
func (c *call) checkSource(v *track.NewModelVersion, model string) error {
	local, isLocal, err := localPath(v.Source)
	if err != nil {
		return err
	}
	if !isLocal {
		return checkRemote(v.Source)
	}
	if !path.IsAbs(local) && local != ".." && !strings.HasPrefix(local, "../") {
		return nil // a name of the user's, which is no place on any machine
	}
	owner, root := "run", model
	if v.ModelID != "" {
		owner = "model"
	} else if run, err := c.store.Run(c.ctx, v.RunID); err == nil {
		root = run.ArtifactURI
	} else if track.CodeOf(err) != track.NotFound {
		return err
	}
	if dir, ok, err := localPath(root); err == nil && ok && path.IsAbs(dir) && (local == dir || strings.HasPrefix(local, dir+"/")) {
		return nil
	}
	return track.Errorf(track.InvalidParameter, "Invalid model version source: '%s'. To use a local path as a model version source, the %s_id request parameter has to be specified and the local path has to be contained within the artifact directory of the %s specified by the %s_id.", v.Source, owner, owner, owner)
}

// localPath returns the path that a location is on the machine of who uses it, if
// it is one.
func localPath(location string) (p string, local bool, err error) {
	scheme, rest, ok := strings.Cut(location, ":")
	if !ok || strings.Contains(scheme, "/") {
		return path.Clean(location), true, nil
	}
	if scheme != "file" {
		return "", false, nil
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		host, p, _ := strings.Cut(after, "/")
		if host != "" && host != "." && !strings.HasPrefix(host, "localhost") && !strings.HasPrefix(host, "127.0.0.1") {
			return "", true, track.Errorf(track.InvalidParameter, "%s is not a valid remote uri. For remote access on windows, please consider using a different scheme such as SMB (e.g. smb://<hostname>/<path>).", location)
		}
		rest = "/" + p
	}
	return path.Clean(rest), true, nil
}

// checkRemote refuses a location elsewhere that has ways up, however they are
// written.
func checkRemote(location string) error {
	plain := location
	for {
		next, err := url.QueryUnescape(plain)
		if err != nil || next == plain {
			break
		}
		plain = next
	}
	_, p, _ := strings.Cut(plain, ":")
	if after, ok := strings.CutPrefix(p, "//"); ok {
		_, p, _ = strings.Cut(after, "/")
		p = "/" + p
	}
	if i := strings.IndexAny(p, "?#"); i >= 0 {
		p = p[:i]
	}
	p = strings.TrimRight(p, "/")
	up := slices.Contains(strings.Split(plain, "/"), "..") || slices.Contains(strings.Split(p, "/"), ".")
	if up || strings.Contains(p, "\x00") || !strings.HasPrefix(p, "/") {
		return track.Errorf(track.InvalidParameter, "Invalid model version source: '%s'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.", location)
	}
	return nil
}

// versionsTag is the tag of a logged model that names the versions made of it.
const versionsTag = "mlflow.modelVersions"

// nameVersion tells a logged model that a version was made of it.
func (c *call) nameVersion(model string, v track.ModelVersion) error {
	m, err := c.store.LoggedModel(c.ctx, model)
	if err != nil {
		return err
	}
	name, err := json.Marshal(v.Name)
	if err != nil {
		return err
	}
	entry, list := `{"name": `+string(name)+`, "version": `+formatVersion(v.Version)+`}`, ""
	for _, t := range m.Tags {
		if t.Key == versionsTag {
			list = strings.TrimSuffix(strings.TrimPrefix(t.Value, "["), "]")
		}
	}
	if strings.Contains(list, entry) {
		return nil
	}
	if list != "" {
		list += ", "
	}
	return c.store.SetModelTags(c.ctx, model, []track.Tag{{Key: versionsTag, Value: "[" + list + entry + "]"}})
}
