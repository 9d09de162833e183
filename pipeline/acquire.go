package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/seedenv"
)

// holder is what the workspace's lock file says of who holds it.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// Acquire makes this process the only one that changes the workspace, until
// unlock is called or the process ends. If another one holds it, waiting is
// told whom it waits for, and Acquire waits until ctx ends. The state directory
// is made if need be.
func (w *Workspace) Acquire(ctx context.Context, command string, waiting func(holder string)) (unlock func(), err error) {
	if busy, _ := seedenv.Lookup(w.environ, insideVar); busy == w.Root {
		return nil, &MisuseError{Msg: command + " cannot run inside a stage of the same project: the stage's own run holds it", Hint: "let the stage depend on the other stage's output instead"}
	}
	if err := MakeStateDir(w.Root); err != nil {
		return nil, err
	}
	name := w.state("lock")
	l := flock.New(name)
	ok, err := l.TryLock()
	if err == nil && !ok {
		waiting(readHolder(name))
		_, err = l.TryLockContext(ctx, 50*time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	err = errors.Join(writeHolder(name, command), w.tidy(), w.reopen(), w.register())
	if err != nil {
		l.Close()
		return nil, err
	}
	return func() { l.Close() }, nil
}

// tidy ends and removes what a killed xt left half-done. Nobody else is at work now.
func (w *Workspace) tidy() error {
	w.endOrphans()
	errs := []error{os.RemoveAll(w.state("tmp"))}
	for _, name := range []string{LockFile, ".gitignore"} {
		errs = append(errs, atomicfile.Sweep(w.path(name)))
	}
	return errors.Join(errs...)
}

// register makes the project known in a cache that others may use too, so that
// their garbage collection leaves what this project needs.
func (w *Workspace) register() error {
	if w.Cache.Dir() == w.state("cache") && (w.Repo == nil || len(w.Repo.Worktrees()) == 0) {
		return nil
	}
	return w.Cache.Register(w.Root)
}

func writeHolder(name, command string) error {
	b, err := json.Marshal(holder{PID: os.Getpid(), Command: command, Since: time.Now()})
	if err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o666)
}

// readHolder describes who holds the lock, as far as the file tells.
func readHolder(name string) string {
	var h holder
	b, err := os.ReadFile(name)
	if err != nil || json.Unmarshal(b, &h) != nil || h.PID == 0 {
		return "another xt"
	}
	return fmt.Sprintf("%q (process %d, since %s)", h.Command, h.PID, h.Since.Local().Format("15:04:05"))
}

// insideVar tells an xt that a stage starts which workspace is busy running it.
const insideVar = "XT_INSIDE"
