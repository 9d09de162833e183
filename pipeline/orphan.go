package pipeline

import (
	"os"
	"path/filepath"
	"strconv"
)

// While a command runs, a file named after its process group stands in the state
// directory. Where xt is killed the file stays, and the command may go on: the
// next xt must end it, lest both write to the same outputs.

// noteGroup notes a process group that has been started. One that cannot be noted
// only goes on if xt is killed, which is no reason not to run it.
func (w *Workspace) noteGroup(pgid int) (forget func()) {
	if w.scratch != "" {
		return func() {} // who holds the workspace may do so on another machine
	}
	name := w.state(filepath.Join("running", strconv.Itoa(pgid)))
	if os.WriteFile(name, nil, 0o666) != nil {
		_ = os.MkdirAll(filepath.Dir(name), 0o777)
		_ = os.WriteFile(name, nil, 0o666)
	}
	return func() { _ = os.Remove(name) }
}

// endOrphans ends the commands that a killed xt has left running. The caller
// holds the workspace, so that they cannot be another xt's.
func (w *Workspace) endOrphans() {
	entries, _ := os.ReadDir(w.state("running"))
	for _, e := range entries {
		pgid, err := strconv.Atoi(e.Name())
		if err == nil && pgid > 1 && killOrphans(pgid, insideVar+"="+w.Root) {
			w.say("ended a stage that a killed xt had left running (process group %d)", pgid)
		}
		_ = os.Remove(w.state(filepath.Join("running", e.Name())))
	}
}
