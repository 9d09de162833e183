package pipeline

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/xtrepro/xt/hash"
)

// The ledger is the list of the results that were made, or taken from the run
// cache, in this workspace: a fingerprint a line. It tells which entries of a run
// cache that other projects use too belong to this one, and so are pushed with it.
const ledgerFile = "results"

// enter adds a fingerprint to the ledger. A line is written at once, so that
// several commands may do so at a time.
func (w *Workspace) enter(fp hash.Fingerprint) error {
	f, err := os.OpenFile(w.state(ledgerFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\n", fp)
	return errors.Join(err, f.Close())
}

// knownRuns returns the fingerprints of the ledger, each once, the oldest first.
// What is no fingerprint, as a line that was cut short, is passed over.
func (w *Workspace) knownRuns() ([]hash.Fingerprint, error) {
	f, err := os.Open(w.state(ledgerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []hash.Fingerprint
	seen := map[hash.Fingerprint]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		sum, err := hash.ParseSum(lines.Text())
		if fp := hash.Fingerprint(sum); err == nil && !seen[fp] {
			seen[fp] = true
			list = append(list, fp)
		}
	}
	return list, lines.Err()
}
