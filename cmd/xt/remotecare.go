package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/remote"
)

// remoteGrace is how long xt gc --remote keeps what nobody needs unless the user
// says otherwise: longer than a push takes, and longer than a holiday weekend.
const remoteGrace = 7 * 24 * time.Hour

// remoteGCReport is the JSON of xt gc --remote.
type remoteGCReport struct {
	DryRun       bool         `json:"dry_run"`
	Remote       string       `json:"remote"`
	Deleted      int64        `json:"deleted_packs"`
	DeletedBytes int64        `json:"deleted_bytes"`
	Doomed       int64        `json:"set_aside_packs"`
	DoomedBytes  int64        `json:"set_aside_bytes"`
	Moved        int64        `json:"repacked_bytes"`
	Kept         int64        `json:"kept_packs"`
	KeptBytes    int64        `json:"kept_bytes"`
	Unlisted     int64        `json:"unlisted_packs"`
	Unneeded     []unneeded   `json:"no_longer_needed"`
	Clones       []cloneEntry `json:"clones"`
}

type unneeded struct {
	Path   string `json:"path"`
	BLAKE3 string `json:"blake3"`
	Size   int64  `json:"size"`
}

type cloneEntry struct {
	Project string    `json:"project"`
	Clones  []string  `json:"clones"`
	Pushed  time.Time `json:"pushed"`
	Needs   int       `json:"needs"`
}

func (a *app) gcRemote(c *cli.Context, w *pipeline.Workspace, scope pipeline.Scope) error {
	opts := remote.GCOptions{Forget: c.StringSlice("forget"), Grace: c.Duration("grace"), DryRun: c.Bool("dry-run")}
	if !c.IsSet("grace") {
		opts.Grace = remoteGrace
	}
	progress := a.term.Start("collecting", 0)
	name, r, err := w.GCRemote(c.Context, scope, pipeline.Transfer{Remote: c.String("name"), Received: progress.Moved}, opts)
	progress.Done()
	if err != nil {
		return err
	}
	report := &remoteGCReport{opts.DryRun, name, r.Deleted, r.DeletedBytes, r.Doomed, r.DoomedBytes, r.Moved, r.Kept, r.KeptBytes, r.Unlisted, []unneeded{}, []cloneEntry{}}
	for _, it := range r.Items {
		report.Unneeded = append(report.Unneeded, unneeded{it.Path, it.Sum.String(), it.Size})
	}
	for _, cl := range r.Clones {
		report.Clones = append(report.Clones, cloneEntry{cl.Project, cl.Owners, cl.Pushed, cl.Needs})
	}
	if c.Bool("json") {
		return a.writeJSON(report)
	}
	a.printRemoteGC(report, opts.Grace)
	return nil
}

func (a *app) printRemoteGC(r *remoteGCReport, grace time.Duration) {
	for _, it := range r.Unneeded {
		a.term.Printf("no longer needed: %s (%s), %s\n", shown(it.Path), it.BLAKE3[:10], term.Bytes(it.Size))
	}
	for _, cl := range r.Clones {
		a.term.Printf("kept for %s: %s of project %s, pushed %s\n", plural(cl.Needs, "item"), strings.Join(cl.Clones, " "), shown(cl.Project), ago(time.Since(cl.Pushed)))
	}
	if r.Unlisted > 0 {
		a.term.Warnf("%s in no index, while things that clones need are missing: \"xt fsck --remote --repair\" looks what is in there", packsAre(r.Unlisted))
	}
	deleted, doomed := "deleted", "set aside"
	if r.DryRun {
		deleted, doomed = "would delete", "would set aside"
	}
	parts := []string{fmt.Sprintf("%s %s (%s)", deleted, plural(int(r.Deleted), "pack"), term.Bytes(r.DeletedBytes))}
	if r.Doomed > 0 {
		parts = append(parts, fmt.Sprintf("%s %s (%s), to be deleted after %s", doomed, plural(int(r.Doomed), "pack"), term.Bytes(r.DoomedBytes), days(grace)))
	}
	parts = append(parts, fmt.Sprintf("kept %s (%s)", plural(int(r.Kept), "pack"), term.Bytes(r.KeptBytes)))
	a.term.Printf("%s: %s\n", r.Remote, strings.Join(parts, "; "))
}

// days says a long time in days.
func days(d time.Duration) string {
	if d >= 48*time.Hour {
		return plural(int(d.Hours()/24), "day")
	}
	return d.String()
}

// remoteFsckReport is the JSON of xt fsck --remote.
type remoteFsckReport struct {
	Remote   string     `json:"remote"`
	Packs    int64      `json:"packs"`
	Blobs    int64      `json:"blobs"`
	Bytes    int64      `json:"bytes"`
	Problems []string   `json:"problems"`
	Lost     []unneeded `json:"lost"`
	Unlisted int64      `json:"unlisted_packs"`
	Unpushed int64      `json:"never_pushed"`
	Repaired int64      `json:"repaired"`
}

func (a *app) fsckRemote(c *cli.Context, w *pipeline.Workspace) error {
	progress := a.term.Start("reading back", 0)
	name, r, err := w.FsckRemote(c.Context, pipeline.Transfer{Remote: c.String("name"), Progress: progress}, c.Bool("repair"))
	progress.Done()
	if err != nil {
		return err
	}
	report := &remoteFsckReport{name, r.Packs, r.Blobs, r.Bytes, r.Problems, []unneeded{}, r.Unlisted, r.Absent, r.Repaired}
	if report.Problems == nil {
		report.Problems = []string{}
	}
	for _, l := range r.Lost {
		report.Lost = append(report.Lost, unneeded{l.Path, l.Node.Sum.String(), l.Node.Size})
	}
	if c.Bool("json") {
		err = a.writeJSON(report)
	} else {
		a.printRemoteFsck(report, c.Bool("repair"))
	}
	if err == nil && !r.OK() {
		err = errFailed
	}
	return err
}

func (a *app) printRemoteFsck(r *remoteFsckReport, repaired bool) {
	for _, p := range r.Problems {
		a.term.Printf("problem: %s\n", p)
	}
	for _, l := range r.Lost {
		a.term.Printf("lost: %s (%s), %s\n", shown(l.Path), l.BLAKE3[:10], term.Bytes(l.Size))
	}
	if r.Repaired > 0 {
		a.term.Printf("sent %s again\n", plural(int(r.Repaired), "file or listing"))
	}
	if r.Unlisted > 0 && !repaired {
		a.term.Printf("in no index: %s, of a push that goes on or did not end\n", plural(int(r.Unlisted), "pack"))
	}
	if r.Unpushed > 0 {
		a.term.Printf("never pushed: %s that clones need\n", plural(int(r.Unpushed), "item"))
	}
	verdict := "all is whole"
	if n := len(r.Problems) + len(r.Lost); n > 0 {
		verdict = plural(n, "problem")
		if !repaired {
			a.term.Sayf("\"xt fsck --remote --repair\" sends again what this cache has")
		}
	}
	a.term.Printf("%s: read %s (%s): %s\n", r.Remote, plural(int(r.Packs), "pack"), term.Bytes(r.Bytes), verdict)
}

func packsAre(n int64) string {
	if n == 1 {
		return "1 pack is"
	}
	return plural(int(n), "pack") + " are"
}
