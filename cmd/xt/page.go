package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/web"
)

// pageFor returns what answers for the page over a store.
func (a *app) pageFor(place *storePlace, store track.Store, models track.Registry) *protocol {
	opts := web.Options{Title: place.title, Version: versionString(), Registry: models, Runs: &pageRuns{place, store}, Report: a.reportRequest}
	if place.w != nil {
		opts.Title = filepath.Base(place.w.Root)
		opts.Project = &pageProject{a, store}
		if place.w.Repo != nil {
			opts.Models = &pageModels{a: a, store: store}
		}
	}
	h := web.New(store, opts)
	return &protocol{Handler: h, Closer: h, owns: web.Owns, reads: web.Reads, capability: web.IsPublic, deny: web.Deny}
}

// pageRuns tells the page how runs came to be. It implements [web.Runs].
type pageRuns struct {
	place *storePlace
	store track.Store
}

// Log implements [web.Runs].
func (p *pageRuns) Log(_ context.Context, r *track.Run) (io.ReadSeekCloser, error) {
	o := originOf(r)
	if sum, err := hash.ParseSum(o.Log); err == nil {
		f, err := p.place.cache.OpenFile(sum)
		if err != nil {
			return nil, nil // it was collected, or is on another machine
		}
		return f, nil
	}
	if o.Log == "" || r.Status != track.Running || !p.isLog(o.Log) {
		return nil, nil
	}
	f, err := os.Open(o.Log)
	if err != nil {
		return nil, nil
	}
	return f, nil
}

// isLog reports whether a path is one at which xt writes what commands write. What
// a store says is not believed: it may be that of others.
func (p *pageRuns) isLog(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular() && filepath.Dir(name) == filepath.Clean(p.place.logs)
}

// Changes implements [web.Runs].
func (p *pageRuns) Changes(_ context.Context, old, new *track.Run) ([]web.Change, error) {
	return webChanges(inputChanges(old, new)), nil
}

func webChanges(changes []diffChange) []web.Change {
	list := []web.Change{}
	for _, ch := range changes {
		c := web.Change{Stage: ch.Stage, Kind: ch.Kind, Op: ch.Op, Name: ch.Name, Text: ch.Text}
		for _, f := range ch.Files {
			c.Files = append(c.Files, web.FileChange{Op: f.Op, Path: f.Path})
		}
		list = append(list, c)
	}
	return list
}

// Made implements [web.Runs].
func (p *pageRuns) Made(ctx context.Context, r *track.Run) (*web.Made, error) {
	o := originOf(r)
	entry, env := entryOf(o)
	if entry == nil {
		return nil, nil
	}
	_, text, _ := strings.Cut(o.Lock, "\n\n") // what stands before is about the file
	m := &web.Made{Lock: text, Inputs: webInputs(entry), Outputs: webItems("output", entry.Outs), Facts: conditions(entry, env), Rebuild: rebuild(r, entry, p.hasRemote()), Difference: []string{}}
	return m, p.addVerdict(ctx, r, m)
}

// hasRemote reports whether results can be fetched; that of another project is not
// known, and may be.
func (p *pageRuns) hasRemote() bool {
	return p.place.w == nil || len(p.place.w.Graph.Config.Remotes) > 0
}

// addVerdict tells what came of making the run again: of this one, if it is a
// verification, or of the newest of the same fingerprint.
func (p *pageRuns) addVerdict(ctx context.Context, r *track.Run, m *web.Made) error {
	v := r
	if tagOf(r, verdictTag) == "" {
		var err error
		if v, err = verification(ctx, p.store, originOf(r).Fingerprint); err != nil || v == nil {
			return err
		}
	}
	m.Verdict, m.Verified = tagOf(v, verdictTag), v.ID
	m.Good = pipeline.Verdict(m.Verdict).Good()
	m.Difference = append(m.Difference, differencesOf(v)...)
	return nil
}

// verification returns the newest run that made what has this fingerprint again; nil if
// there is none.
func verification(ctx context.Context, s track.Store, fingerprint string) (*track.Run, error) {
	if fingerprint == "" || strings.ContainsAny(fingerprint, "'\"") {
		return nil, nil
	}
	in, err := experimentIDs(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	page, err := s.SearchRuns(ctx, track.RunSearch{Experiments: in, Bare: true, Search: track.Search{Max: 1, Filter: "origin.kind = 'verify' AND origin.fingerprint = '" + fingerprint + "' AND tags.`" + verdictTag + "` IS NOT NULL"}})
	if err != nil || len(page.Items) == 0 {
		return nil, err
	}
	return &page.Items[0], nil
}

// differencesOf returns the first differences that a verification found, each in a line.
func differencesOf(r *track.Run) []string {
	text := tagOf(r, differenceTag)
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func webInputs(e *lock.Stage) []web.Input {
	return append(append(webItems("code", e.Code), webItems("data", e.Deps)...), webItems("recorded calls", e.Calls)...)
}

func webItems(kind string, items []lock.Item) []web.Input {
	list := []web.Input{}
	for _, it := range items {
		list = append(list, web.Input{Kind: kind, Path: it.Path, Digest: digestText(it.Sum), Size: it.Size, Files: it.Files})
	}
	return list
}

// digestText is a digest, or "" where it is not known.
func digestText(s hash.Sum) string {
	if s.IsZero() {
		return ""
	}
	return s.String()
}

// asked turns what the user's files or words cause into an error that the page
// shows; others are the server's.
func asked(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	msg, hints := message(err)
	if len(hints) > 0 {
		msg += "; " + strings.Join(hints, "; ")
	}
	return track.Errorf(track.InvalidParameter, "%s", msg)
}
