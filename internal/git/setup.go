package git

import (
	"path/filepath"
	"strings"
)

// HooksDir returns the absolute path of the directory in which git looks for
// hooks, as core.hooksPath or the repository says.
func (r *Repo) HooksDir() string {
	out, err := r.run("rev-parse", "--git-path", "hooks")
	dir := strings.TrimRight(string(out), "\r\n")
	if err != nil || dir == "" {
		return filepath.Join(r.Common, "hooks")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(r.Top, dir)
	}
	return filepath.Clean(dir)
}

// SharedHooks returns what core.hooksPath is for all repositories of the user or
// the machine; "" if it is not set, or only for this one.
func (r *Repo) SharedHooks() string {
	if out, err := r.run("config", "--local", "--get", "core.hooksPath"); err == nil && len(out) > 0 {
		return ""
	}
	return r.config("core.hooksPath")
}

// Config returns a setting of git; "" if there is none.
func (r *Repo) Config(key string) string { return r.config(key) }

// SetConfig sets something for this repository.
func (r *Repo) SetConfig(key, value string) error {
	_, err := r.run("config", "--local", key, value)
	return err
}

// RemoveConfig removes a section from the settings of this repository. It reports
// whether there was one.
func (r *Repo) RemoveConfig(section string) (bool, error) {
	if out, _ := r.run("config", "--local", "--get-regexp", "^"+strings.ReplaceAll(section, ".", `\.`)+`\.`); len(out) == 0 {
		return false, nil
	}
	_, err := r.run("config", "--local", "--remove-section", section)
	return err == nil, err
}
