package importer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

// The files of MLflow are small, but for curves and artifacts.
const (
	maxMetaFile = 1 << 20
	maxTextFile = 1 << 20
	metaFile    = "meta.yaml"
	trash       = ".trash"
)

// Folder is a folder "mlruns" in which MLflow's clients keep runs as files. Links
// that lead out of it are not followed.
type Folder struct {
	name   string
	root   *os.Root
	places places
	warn   Warn
	points map[string]map[string][]track.Metric // by place of the experiment and run: those about logged models
}

// OpenFolder opens a folder of MLflow. Artifacts that a server kept elsewhere are
// looked for in the folders artifacts.
func OpenFolder(dir string, artifacts []string, warn Warn) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	near := append(artifacts, filepath.Join(filepath.Dir(abs), "mlartifacts"))
	return &Folder{abs, root, places{dirs: near, base: filepath.Dir(abs)}, warn, map[string]map[string][]track.Metric{}}, nil
}

// IsFolder reports whether a folder is one of MLflow: it has experiments.
func IsFolder(dir string) bool {
	found, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*", metaFile))
	if err == nil && found == nil {
		found, err = filepath.Glob(filepath.Join(escapeGlob(dir), trash, "*", metaFile))
	}
	return err == nil && found != nil
}

func escapeGlob(s string) string {
	if filepath.Separator == '\\' {
		return s // where a glob has no escapes
	}
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllString(s, `\$0`)
}

// Name implements [Source].
func (s *Folder) Name() string { return s.name }

// Close closes the folder.
func (s *Folder) Close() error { return s.root.Close() }

// shown is how a file of the folder is named in warnings.
func (s *Folder) shown(name string) string {
	return filepath.Join(s.root.Name(), filepath.FromSlash(name))
}

// dirs returns the folders in a folder, by name.
func (s *Folder) dirs(dir string) []string {
	entries, err := fs.ReadDir(s.root.FS(), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.warn(s.shown(dir), reason(err))
	}
	var names []string
	for _, e := range entries {
		switch {
		case e.IsDir():
			names = append(names, e.Name())
		case e.Type()&fs.ModeSymlink != 0:
			s.warn(s.shown(path.Join(dir, e.Name())), "is a link, which is not followed")
		}
	}
	return names
}

// open opens a file for reading, if it is one: a pipe would wait forever.
func (s *Folder) open(name string) (*os.File, error) {
	info, err := s.root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a file")
	}
	return s.root.Open(filepath.FromSlash(name))
}

// small reads a file that is not larger than max.
func (s *Folder) small(name string, max int64) ([]byte, error) {
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	return readAll(f, max)
}

// meta reads the meta.yaml of a folder; false, with a warning, if it is broken.
func (s *Folder) meta(dir string) (meta, bool) {
	name := path.Join(dir, metaFile)
	b, err := s.small(name, maxMetaFile)
	if errors.Is(err, fs.ErrNotExist) {
		s.warn(s.shown(dir), "has no "+metaFile)
		return nil, false
	}
	var m meta
	if err == nil {
		m, err = parseMeta(b)
	}
	if err == nil {
		return m, true
	}
	s.warn(s.place(name, err), reason(err))
	return nil, false
}

// place is where in a file an error is.
func (s *Folder) place(name string, err error) string {
	if e := (*metaError)(nil); errors.As(err, &e) {
		return s.shown(name) + ":" + strconv.Itoa(e.line)
	}
	return s.shown(name)
}

// texts reads a folder of files, each of which is a key and has its value.
func (s *Folder) texts(dir string) []track.Tag {
	var pairs []track.Tag
	_ = s.each(dir, func(key, name string) error {
		b, err := s.small(name, maxTextFile)
		if err != nil {
			s.warn(s.shown(name), reason(err))
			return nil
		}
		pairs = append(pairs, track.Tag{Key: key, Value: string(b)})
		return nil
	})
	return pairs
}

// each calls f for the files below a folder, with their paths below it and below
// the root, until there is an error.
func (s *Folder) each(dir string, f func(key, name string) error) error {
	return fs.WalkDir(s.root.FS(), dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			s.warn(s.shown(name), reason(err))
			return nil
		case d.IsDir():
			return nil
		}
		return f(strings.TrimPrefix(name, dir+"/"), name)
	})
}

// Experiments implements [Source].
func (s *Folder) Experiments(ctx context.Context, f func(*Experiment) error) error {
	for _, in := range []string{".", trash} {
		for _, name := range s.dirs(in) {
			if name == trash || in == "." && name == "models" {
				continue
			}
			e, ok := s.experiment(path.Join(in, name))
			if !ok {
				continue
			}
			if in == trash {
				e.Lifecycle = track.Deleted
			}
			if err := errors.Join(ctx.Err(), f(e)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Folder) experiment(dir string) (*Experiment, bool) {
	m, ok := s.meta(dir)
	if !ok {
		return nil, false
	}
	e := &Experiment{Key: dir}
	e.Name, e.ArtifactLocation, e.Lifecycle = m["name"], m["artifact_location"], lifecycleOf(m["lifecycle_stage"])
	e.Created = m.number("creation_time")
	e.Tags = s.texts(path.Join(dir, "tags"))
	if err := track.CheckExperimentName(e.Name); err != nil {
		s.warn(s.shown(path.Join(dir, metaFile)), err.Error())
		return nil, false
	}
	return e, true
}

// Registered implements [Source].
func (s *Folder) Registered(ctx context.Context, f func(*Registered) error) error {
	for _, name := range s.dirs("models") {
		dir := path.Join("models", name)
		m, ok := s.meta(dir)
		if !ok {
			continue
		}
		r := &Registered{}
		r.Name, r.Description, r.Tags = m["name"], m["description"], s.texts(path.Join(dir, "tags"))
		for _, a := range s.texts(path.Join(dir, "aliases")) {
			if n, err := strconv.ParseInt(strings.TrimSpace(a.Value), 10, 64); err == nil {
				r.Aliases = append(r.Aliases, track.Alias{Name: a.Key, Version: n})
			} else {
				s.warn(s.shown(path.Join(dir, "aliases", a.Key)), "is no number of a version")
			}
		}
		r.Versions = s.versions(dir)
		if err := errors.Join(ctx.Err(), f(r)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Folder) versions(dir string) []track.ModelVersion {
	var list []track.ModelVersion
	for _, name := range s.dirs(dir) {
		n, err := strconv.ParseInt(strings.TrimPrefix(name, "version-"), 10, 64)
		if err != nil || !strings.HasPrefix(name, "version-") {
			continue // tags, aliases
		}
		at := path.Join(dir, name)
		m, ok := s.meta(at)
		if !ok || m["current_stage"] == deletedStage {
			continue
		}
		list = append(list, track.ModelVersion{
			Version: n, Stage: m["current_stage"], Description: m["description"], User: m["user_id"], Source: m["source"],
			StorageLocation: m["storage_location"], RunID: m["run_id"], RunLink: m["run_link"], ModelID: m["model_id"],
			Created: m.number("creation_timestamp"), Tags: s.texts(path.Join(at, "tags")),
		})
	}
	return list
}

// deletedStage is the stage of versions that were deleted.
const deletedStage = "Deleted_Internal"
