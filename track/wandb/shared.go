package wandb

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/wandb/offline"
)

// A run in shared mode has several clients at once, none of which knows of the
// others: each numbers its lines from 0, and leaves steps to the server.

// isShared reports whether a request is about a run in shared mode.
func isShared(r *http.Request) bool { return r.Header.Get("X-WANDB-USE-ASYNC-FILESTREAM") == "true" }

// sharing says where the lines of the clients of a run are.
type sharing struct {
	Next  map[string]int64     `json:"next"`  // the first line of a stream that nobody has
	Spans map[string][]segment `json:"spans"` // of a stream and a client

	kept kept
}

// segment is lines of a client that are lines of the run one after the other.
type segment struct {
	Own int64 `json:"own"` // the first line, as the client numbers it
	Run int64 `json:"run"`
	N   int64 `json:"n"`
}

// maxSegments is how many segments of a client are remembered: it comes back to its
// newest lines only.
const maxSegments = 200

// place returns where a line of a client is.
func place(spans []segment, own int64) (line int64, ok bool) {
	for i := len(spans) - 1; i >= 0; i-- {
		if d := own - spans[i].Own; d >= 0 && d < spans[i].N {
			return spans[i].Run + d, true
		}
	}
	return 0, false
}

// spread returns where in a stream of the run the lines of a client belong. Those that
// it sends again are where they were before: places are kept before lines are.
func (s *Server) spread(ctx context.Context, r *run, client, stream string, l lines) ([]lines, error) {
	if len(l.Content) == 0 {
		return nil, nil
	}
	var sh sharing
	if err := s.load(ctx, sharedKind, r.ID, &sh, &sh.kept); track.CodeOf(err) == track.NotFound {
		sh.Next, sh.Spans = map[string]int64{}, map[string][]segment{}
	} else if err != nil {
		return nil, err
	}
	count, err := s.store.CountLines(ctx, r.ID, stream)
	if err != nil {
		return nil, err
	}
	next, key := max(count, sh.Next[stream]), stream+" "+client
	spans := sh.Spans[key]
	var parts []lines
	for i, text := range l.Content {
		own := l.Offset + int64(i)
		line, known := place(spans, own)
		if !known {
			line, next = next, next+1
			if n := len(spans); n > 0 && spans[n-1].Own+spans[n-1].N == own && spans[n-1].Run+spans[n-1].N == line {
				spans[n-1].N++
			} else {
				spans = append(spans, segment{own, line, 1})
			}
		}
		if n := len(parts); n > 0 && parts[n-1].Offset+int64(len(parts[n-1].Content)) == line {
			parts[n-1].Content = append(parts[n-1].Content, text)
		} else {
			parts = append(parts, lines{line, []string{text}})
		}
	}
	sh.Next[stream], sh.Spans[key] = next, spans[max(0, len(spans)-maxSegments):]
	return parts, s.save(ctx, sharedKind, r.ID, &sh, &sh.kept)
}

// takeShared stores lines of one of the clients of a run.
func (s *Server) takeShared(ctx context.Context, r *run, client, name string, l lines) error {
	stream, ok := streams[name]
	if !ok {
		return s.takeSharedSummary(ctx, r, name, l)
	}
	parts, err := s.spread(ctx, r, client, stream, l)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if stream == historyStream {
			for i, text := range part.Content {
				part.Content[i] = withStep(text, part.Offset+int64(i))
			}
		}
		if err := s.takeFile(ctx, r, name, part); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) takeSharedSummary(ctx context.Context, r *run, name string, l lines) error {
	if name != summaryFile || len(l.Content) == 0 {
		return nil
	}
	old, err := s.summary(ctx, r)
	if err != nil {
		return err
	}
	n, err := s.store.CountLines(ctx, r.ID, historyStream)
	if err != nil {
		return err
	}
	text, err := mergeObjects(old, l.Content[len(l.Content)-1], fmt.Sprintf(`{"_step":%d}`, max(0, n-1)))
	if err != nil {
		return track.Errorf(track.InvalidParameter, "the summary is no JSON object: %v", err)
	}
	return s.setSummary(ctx, r, text, false)
}

// withStep gives a row the step that it has among those of all clients.
func withStep(text string, step int64) string {
	if _, err := parseObject(text); err != nil {
		return text
	}
	values := exactRow(text)
	values["_step"] = step
	return rowText(values)
}

// mergeObjects makes one JSON object of several, of which later ones win.
func mergeObjects(texts ...string) (string, error) {
	all := map[string]json.RawMessage{}
	for _, text := range texts {
		if text == "" {
			continue
		}
		if json.Unmarshal([]byte(text), &all) != nil {
			if err := json.Unmarshal(offline.QuoteWords([]byte(text)), &all); err != nil {
				return "", err
			}
		}
	}
	b, err := json.Marshal(all)
	return string(b), err
}
