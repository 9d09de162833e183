// Package sandbox runs a command in namespaces of its own, in which other files
// stand where the command looks and the machine has another name. It is there to
// find out whether a command reads what it does not declare; it does not protect
// against one that means harm.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// Bind puts what is at From to where To is, with all that is mounted below it.
// Both must exist.
type Bind struct {
	From, To string
	ReadOnly bool
}

// Options say what a command finds.
type Options struct {
	Hostname string // "": the machine's own
	Binds    []Bind // done in this order
}

// ErrUnavailable is why there are no namespaces to run a command in.
var ErrUnavailable = errors.New("no namespaces")

// shimmed tells that main has called Shim: else a process that is to become a
// command would be this program once more.
var shimmed atomic.Bool

// shimName is the first argument of a process that is to make itself at home in
// its namespaces and then become the command.
const shimName = "xt-sandbox"

// plan is what such a process is told, as its second argument.
type plan struct {
	Options
	Outside string   // the mount namespace of who called Wrap, which must not be changed
	Dir     string   // where the command runs
	Path    string   // of the command
	Args    []string // with its name
}

// Shim must be called before anything else in main: it says that a process which
// [Wrap] has prepared becomes the command.
func Shim() { shimmed.Store(true) }

// A process that Wrap has prepared becomes the command here, and not in Shim: what
// other packages of a large program initialize takes longer than all the rest.
func init() { //nolint:gochecknoinits // see above: in main it would be too late
	if len(os.Args) != 2 || os.Args[0] != shimName {
		return
	}
	var p plan
	err := json.Unmarshal([]byte(os.Args[1]), &p)
	if err == nil {
		err = p.become()
	}
	fmt.Fprintf(os.Stderr, "xt: error: isolate the command: %v\n", err)
	os.Exit(failedShim)
}

// failedShim is the exit code of a process that could not become the command: the
// one of shells for a command that cannot be executed.
const failedShim = 126
