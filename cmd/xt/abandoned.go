package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/xtrepro/xt/internal/process"
	"github.com/xtrepro/xt/track"
)

// processTag says which xt a run that goes on belongs to: the machine, and the
// process there.
const processTag = "xt.process"

func processOf() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return strings.ReplaceAll(host, " ", "_") + " " + process.Self()
}

// closeAbandoned closes the runs whose xt was killed before it could.
func closeAbandoned(ctx context.Context, s track.Store) error {
	in, err := experimentIDs(ctx, s, nil)
	if err != nil {
		return err
	}
	host, _, _ := strings.Cut(processOf(), " ")
	running := func(filter string) ([]track.Run, error) {
		page, err := s.SearchRuns(ctx, track.RunSearch{Search: track.Search{Filter: "attributes.status = 'RUNNING' AND " + filter, Max: 1000}, Experiments: in, Bare: true})
		return page.Items, err
	}
	runs, err := running("tags.`" + processTag + "` LIKE '" + strings.NewReplacer("'", "", "%", "").Replace(host) + " %'")
	if err != nil {
		return err
	}
	for i := range runs {
		whose := tagOf(&runs[i], processTag)
		if _, name, _ := strings.Cut(whose, " "); process.Alive(name) {
			continue
		}
		below, err := running("tags.`" + track.ParentRunTag + "` = '" + runs[i].ID + "'")
		if err != nil {
			return err
		}
		for _, r := range append(below, runs[i]) {
			if _, err := s.UpdateRun(ctx, r.ID, track.RunUpdate{Status: track.Killed, End: time.Now().UnixMilli()}); err != nil {
				return err
			}
		}
		if err := s.SetTag(ctx, runs[i].ID, track.Tag{Key: errorTag, Value: "xt was killed while it went on"}); err != nil {
			return err
		}
	}
	return nil
}

func tagOf(r *track.Run, key string) string {
	for _, t := range r.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}
