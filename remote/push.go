package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// RunEntry is an entry of the run cache, as [cache.Cache.RunText] has it.
type RunEntry struct {
	Fingerprint hash.Fingerprint
	Text        []byte
}

// PushOptions are what a push is given besides what to send.
type PushOptions struct {
	Roots    *Roots // what the project needs
	Runs     []RunEntry
	Progress Progress
}

// PushReport says what a push did.
type PushReport struct {
	Files, Bytes         int64 // that are wanted there, and in these
	SentFiles, SentBytes int64 // that the remote did not have
	Stored               int64 // bytes that were sent for these, with listings and tables
	Known                int64 // bytes of what was sent that the remote had in other files
	Packs                int64
	Runs                 int64 // entries of the run cache
}

// Push sends what the remote lacks of the wants and of all below them. What is in
// neither the cache nor the remote is a [*cache.MissingError] when all else is
// done. After an error what was sent so far is not sent again.
func (r *Remote) Push(ctx context.Context, c *cache.Cache, wants []Want, opts PushOptions) (PushReport, error) {
	var report PushReport
	if err := r.admit(ctx); err != nil {
		return report, err
	}
	// First: see the package's comment.
	if err := r.claim(ctx, opts.Roots); err != nil {
		return report, err
	}
	for try := 1; ; try++ {
		missing, err := r.pushOnce(ctx, c, wants, opts, &report)
		if errors.Is(err, errMoved) && try < maxTries {
			continue // what was sent is still there
		}
		if err == nil && len(missing) > 0 {
			slices.SortFunc(missing, func(a, b cache.Missing) int { return strings.Compare(a.Path, b.Path) })
			err = &cache.MissingError{Items: missing, Remote: r.opts.Name}
		}
		return report, err
	}
}

// pushOnce looks what the remote lacks, and sends it. It returns what neither side
// has.
func (r *Remote) pushOnce(ctx context.Context, c *cache.Cache, wants []Want, opts PushOptions, report *PushReport) ([]cache.Missing, error) {
	x, err := r.openIndex(ctx)
	if err != nil {
		return nil, err
	}
	s := &survey{index: x, cache: c}
	if err := s.look(ctx, wants); err != nil {
		return nil, err
	}
	report.Files, report.Bytes = s.files, s.bytes
	runs, err := s.runs(ctx, opts.Runs)
	if err != nil {
		return nil, err
	}
	u := newUpload(x, c, opts.Progress)
	u.expected = s.newBytes
	u.progress.Expect(s.newFiles, s.newBytes)
	err = u.send(ctx, append(s.list, runs...))
	u.report(report)
	return slices.Concat(s.missing, u.missing), err
}

// runs returns the entries of the run cache that the remote lacks.
func (s *survey) runs(ctx context.Context, entries []RunEntry) ([]sending, error) {
	sums := make([]hash.Sum, len(entries))
	for i, e := range entries {
		sums[i] = hash.Sum(e.Fingerprint)
	}
	found, err := s.locateRuns(ctx, sums, true)
	if err != nil {
		return nil, err
	}
	var list []sending
	for _, e := range entries {
		if _, ok := pick(found[hash.Sum(e.Fingerprint)], pack.Run); !ok {
			list = append(list, sending{kind: pack.Run, sum: hash.Sum(e.Fingerprint), text: stamp(time.Now(), e.Text)})
		}
	}
	return list, nil
}

// A run is stored with the time when it was pushed, for the garbage collection.
const stampLayout = "2006-01-02T15:04:05Z\n"

func stamp(t time.Time, text []byte) []byte {
	return append(t.UTC().AppendFormat(nil, stampLayout), text...)
}

// unstamp takes a stored run apart.
func unstamp(b []byte) (time.Time, []byte, error) {
	if len(b) < len(stampLayout) {
		return time.Time{}, nil, errors.New("run: cut short")
	}
	t, err := time.Parse(stampLayout, string(b[:len(stampLayout)]))
	return t, b[len(stampLayout):], err
}

// Runs brings the entries of the run cache that the remote has into the cache,
// but for those of which the cache knows something. It returns all that there
// are, and how many are new here.
func (r *Remote) Runs(ctx context.Context, c *cache.Cache) (all []hash.Fingerprint, fresh int64, err error) {
	x, err := r.openIndex(ctx)
	if err != nil {
		return nil, 0, err
	}
	found, err := x.allRuns(ctx)
	if err != nil {
		return nil, 0, err
	}
	for sum := range found {
		all = append(all, hash.Fingerprint(sum))
		if _, _, err := c.RunText(hash.Fingerprint(sum)); err == nil {
			delete(found, sum)
		}
	}
	texts, err := x.loadAt(ctx, found, pack.Run)
	if err != nil {
		return nil, 0, err
	}
	for sum, b := range texts {
		_, text, err := unstamp(b)
		if err == nil {
			_, err = cache.ParseRun(hash.Fingerprint(sum), text)
		}
		if err != nil {
			r.logf("remote %s: cached result %s: %v", r.opts.Name, sum.Short(), err)
			continue // it is as if it were not there
		}
		if err := c.PutRunText(hash.Fingerprint(sum), text); err != nil {
			return nil, fresh, fmt.Errorf("remote %s: %w", r.opts.Name, err)
		}
		fresh++
	}
	return all, fresh, nil
}
