package pipeline

import (
	"context"
	"slices"

	"github.com/xtrepro/xt/hash"
)

// unchanged looks whether the inputs are still those that the fingerprint was
// made from. A result that may be of either version is not recorded as of one.
func (w *Workspace) unchanged(ctx context.Context, step *Step) error {
	items := slices.Concat(step.Entry.Code, step.Entry.Deps)
	paths := make([]string, len(items))
	for i, it := range items {
		paths[i] = it.Path
	}
	for i, r := range w.Scan.ScanAll(ctx, paths) {
		if r.Err != nil && !absent(r.Err) {
			return r.Err
		}
		if !r.Node.Same(items[i].Node) {
			return changedMeanwhile(step.Stage, paths[i])
		}
	}
	if err := w.paramsUnchanged(step.Stage); err != nil {
		return err
	}
	return w.pythonUnchanged(ctx, step)
}

// paramsUnchanged looks whether the files that the command may have read
// parameters from still hold the values that xt read when it began.
func (w *Workspace) paramsUnchanged(s *Stage) error {
	for _, file := range s.paramFiles() {
		b, err := w.config.ReadFile(file)
		if err == nil && hash.Bytes(b) == w.Graph.sums[file] {
			continue
		}
		// Other bytes may hold the same values: other keys, or a comment.
		if now, err := Load(w.config, w.Graph.Overrides...); err != nil || !s.sameParams(now.Stage(s.Name)) {
			return changedMeanwhile(s, file)
		}
		return nil
	}
	return nil
}

// paramFiles returns the files that hold the parameters of the stage, each once.
func (s *Stage) paramFiles() []string {
	var files []string
	for _, p := range s.Params {
		file := p.File
		if file == "" {
			file = ConfigFile
		}
		if len(files) == 0 || files[len(files)-1] != file { // they are sorted by file
			files = append(files, file)
		}
	}
	return files
}

// sameParams reports whether t, which may be nil, has the same parameters as s.
func (s *Stage) sameParams(t *Stage) bool {
	return t != nil && slices.EqualFunc(s.Params, t.Params, func(a, b Param) bool {
		return a.File == b.File && a.Key == b.Key && literal(a.Value) == literal(b.Value)
	})
}

func changedMeanwhile(s *Stage, path string) error {
	return &OutputError{Stage: s,
		Msg:  path + " changed while it ran, so that its result belongs to neither version and is not recorded",
		Hint: "the outputs are left where they are; run xt repro again"}
}
