package pipeline

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/internal/sandbox"
	"github.com/xtrepro/xt/seedenv"
)

// isolatedHost is what the machine is called where a command is isolated: so that
// a result that has the name of the machine in it differs.
const isolatedHost = "xt-isolated"

// trySandbox finds out whether there are namespaces while other things are done.
func trySandbox() {
	go func() { _ = sandbox.Available() }()
}

// enclose sees that the command, which is to run in the room, finds the room also
// where the workspace is, and the machine under another name. Where the system
// does not let it, the command runs in the room all the same, and whoever names
// something of the workspace by its absolute path finds it.
func (r *room) enclose(cmd *exec.Cmd, env []string) error {
	if sandbox.Available() != nil {
		return nil
	}
	opts := sandbox.Options{Hostname: isolatedHost}
	for _, dir := range r.tools(env) {
		at := r.path(dir)
		if err := os.MkdirAll(at, 0o777); err != nil {
			return err
		}
		opts.Binds = append(opts.Binds, sandbox.Bind{From: r.w.path(dir), To: at, ReadOnly: true})
	}
	opts.Binds = append(opts.Binds, sandbox.Bind{From: r.root, To: r.w.Root})
	rel, err := filepath.Rel(r.root, cmd.Dir)
	if err != nil {
		return err
	}
	cmd.Dir = filepath.Join(r.w.Root, rel)
	return sandbox.Wrap(cmd, opts)
}

// tools returns the directories of the workspace, relative to it, that hold
// programs rather than inputs: xt's own, and what is on the path, as a virtual
// environment may be.
func (r *room) tools(env []string) []string {
	var dirs []string
	add := func(abs string) {
		rel, err := filepath.Rel(r.w.Root, abs)
		if err != nil || rel == "." || !filepath.IsLocal(rel) {
			return
		}
		for _, d := range dirs {
			if rel == d || strings.HasPrefix(rel, d+string(filepath.Separator)) {
				return
			}
		}
		if info, err := os.Stat(abs); err == nil && info.IsDir() {
			dirs = append(dirs, rel)
		}
	}
	add(r.w.state("envs"))
	add(r.w.state("hook"))
	venv, _ := seedenv.Lookup(env, "VIRTUAL_ENV")
	add(venv)
	path, _ := seedenv.Lookup(env, "PATH")
	for _, dir := range filepath.SplitList(path) {
		if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "pyvenv.cfg")); err == nil {
			dir = filepath.Dir(dir)
		}
		add(dir)
	}
	return dirs
}
