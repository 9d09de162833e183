package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/xtrepro/xt/attest"
	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// SHA256 returns the SHA-256 digests of the files among recorded outputs, by path,
// for programs that do not know those of xt. Files that are not here are left out.
func (w *Workspace) SHA256(outs []lock.Item) map[string]string {
	sums := map[string]string{}
	for _, it := range outs {
		if !isFile(it.Kind) {
			continue
		}
		f, err := w.openRecorded(it.Path, it.Node)
		if err != nil {
			continue
		}
		h := sha256.New()
		if _, err := io.Copy(h, f); err == nil {
			sums[it.Path] = hex.EncodeToString(h.Sum(nil))
		}
		f.Close()
	}
	return sums
}

// Outcomes returns what came of the outputs, for a statement about it.
func (v *Verified) Outcomes() []attest.Outcome {
	var outs []attest.Outcome
	for _, o := range v.Outs {
		outs = append(outs, attest.Outcome{Path: o.Path, Verdict: string(o.Verdict), Good: o.Verdict.Good(), Exact: o.Verdict == Identical})
	}
	return outs
}

// Ran reports whether the stage was run, so that the verdict says something about
// the result.
func (v *Verified) Ran() bool {
	return v.Verdict.Good() || v.Verdict == Differs || v.Verdict == FailedAgain
}

// CopyOut puts a file or directory that the cache has at a path outside the
// project. What stands there is replaced with force only.
func (w *Workspace) CopyOut(ctx context.Context, n hash.Node, out string, force bool) error {
	if _, err := os.Lstat(out); err == nil && !force {
		return &MisuseError{Msg: out + " is there already", Hint: "--force replaces it"}
	}
	c := cache.Workspace{Scanner: &hash.Scanner{Root: filepath.Dir(out)}}
	_, err := w.copies.Checkout(ctx, c, filepath.Base(out), n, cache.CheckoutOptions{Force: force})
	return err
}
