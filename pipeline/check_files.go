package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/secrets"
	"github.com/xtrepro/xt/internal/term"
)

// largeFiles finds files for git that are new or changed, and large.
func (in *Inspection) largeFiles(s *Snapshot, changed func() ([]git.File, error)) error {
	policy := in.graph.Config.Check
	if policy.LargeFiles == Ignore {
		return nil
	}
	files, err := changed()
	if err != nil {
		return fmt.Errorf("look for large files: %w", err)
	}
	for _, f := range files {
		size, err := s.files.Size(f)
		if err != nil {
			return fmt.Errorf("look for large files: %w", err)
		}
		if size <= policy.Large {
			continue
		}
		name := strings.TrimPrefix(f.Path, s.prefix)
		in.add(Finding{Rule: RuleLarge, Level: policy.LargeFiles, File: name,
			Message: fmt.Sprintf("%s has %s, and git keeps it for ever", name, term.Bytes(size)), Hint: in.smaller(name)})
	}
	return nil
}

// smaller says what to do about a large file.
func (in *Inspection) smaller(name string) string {
	for _, m := range in.graph.Producers(name) {
		return fmt.Sprintf("\"git rm --cached %s\", and give the output of stage %s cache = true", name, m.Stage.Name)
	}
	return fmt.Sprintf("\"git rm --cached %s\", then \"xt add %s\"; large under [check] says from which size on", name, name)
}

// recordedSecrets looks into recorded calls to language models that are new or
// changed. The key of a call is not in them, but a prompt may hold another one.
func (in *Inspection) recordedSecrets(s *Snapshot) error {
	cfg := in.graph.Config
	records := func(st *Stage) bool { return st.Calls != nil }
	if cfg.Check.Secrets == Ignore || !slices.ContainsFunc(in.graph.Stages, records) {
		return nil
	}
	files, err := s.files.Changed(s.prefix + cfg.LLM.Dir)
	if err != nil {
		return fmt.Errorf("look into recorded calls: %w", err)
	}
	for _, f := range files {
		b, err := s.files.ReadFile(f.Path)
		if err != nil {
			return fmt.Errorf("look into recorded calls: %w", err)
		}
		name := strings.TrimPrefix(f.Path, s.prefix)
		for _, m := range secrets.Find(b) {
			in.add(Finding{Rule: RuleSecret, Level: cfg.Check.Secrets, File: name, Line: m.Line,
				Message: fmt.Sprintf("%s, a recorded call, holds what looks like %s", name, m.What),
				Hint:    "revoke it, take it out of what is asked, delete the recording, and run \"xt repro\""})
		}
	}
	return nil
}

// secrets looks into the files that xt reads itself.
func (in *Inspection) secrets(src Source) error {
	policy := in.graph.Config.Check
	if policy.Secrets == Ignore {
		return nil
	}
	for _, name := range append(slices.Sorted(maps.Keys(in.graph.sums)), LockFile) {
		b, err := src.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, m := range secrets.Find(b) {
			in.add(Finding{Rule: RuleSecret, Level: policy.Secrets, File: name, Line: m.Line,
				Message: fmt.Sprintf("%s holds what looks like %s", name, m.What),
				Hint:    "take it out and revoke it: pass = [\"NAME\"] gives a stage a variable, of which xt.lock has a digest only if its name says that it is secret"})
		}
	}
	return nil
}
