package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/xtrepro/xt/hash"
)

// A command that fails leaves its outputs half made, for people to look at. xt
// notes what they are, so that the next run can tell them from a user's files
// and need not rescue them into the cache.

// noteLeftovers notes what a failed command left at the paths of its outputs.
// What it cannot note, or not soon, is later taken for the user's, which is the
// safe mistake.
func (w *Workspace) noteLeftovers(ctx context.Context, s *Stage) {
	// The run may have been interrupted; that is when this is needed too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, o := range s.Outs {
		if o.Keep {
			continue
		}
		n, err := w.standing(ctx, o.Path)
		if err != nil || n.IsZero() {
			continue
		}
		name := w.leftover(o.Path)
		if os.MkdirAll(filepath.Dir(name), 0o777) == nil {
			_ = os.WriteFile(name, []byte(nodeText(n)), 0o666)
		}
	}
}

// isLeftover reports whether n is what a failed command left at path.
func (w *Workspace) isLeftover(path string, n hash.Node) bool {
	b, err := os.ReadFile(w.leftover(path))
	return err == nil && string(b) == nodeText(n)
}

// forgetLeftover takes a note away. One that stays is of no use to anything but
// the very same bytes.
func (w *Workspace) forgetLeftover(path string) { _ = os.Remove(w.leftover(path)) }

// leftover returns the file that notes what was left at path.
func (w *Workspace) leftover(path string) string {
	return w.state(filepath.Join("leftovers", hash.Bytes([]byte(path)).String()))
}

func nodeText(n hash.Node) string { return n.Kind.String() + " " + n.Sum.String() }
