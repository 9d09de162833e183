package wandb

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/wandb/offline"
)

// The streams of a run.
const (
	historyStream = "wandb.history"
	eventsStream  = "wandb.events"
	outputStream  = "wandb.output"
)

// streams are the files that are kept line by line.
var streams = map[string]string{"wandb-history.jsonl": historyStream, "wandb-events.jsonl": eventsStream, outputFile: outputStream}

// summaryFile is sent whole each time.
const summaryFile = "wandb-summary.json"

// chunk is what a client sends to the stream of a run.
type chunk struct {
	Files    map[string]lines `json:"files"`
	Complete *bool            `json:"complete"`
	ExitCode *int             `json:"exitcode"`

	client string // which of the clients of a run in shared mode sends it; "" for the only one
}

// lines take the place of those of a file from a number on, so that a chunk may be
// sent again.
type lines struct {
	Offset  int64    `json:"offset"`
	Content []string `json:"content"`
}

// fileStream stores a chunk. It answers when all of it is stored.
func (s *Server) fileStream(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var c chunk
	if len(bytes.TrimSpace(body)) > 0 {
		if err := json.Unmarshal(body, &c); err != nil {
			s.fail(w, r, track.Errorf(track.InvalidParameter, "the chunk is no JSON: %v", err))
			return
		}
	}
	if isShared(r) {
		c.client = r.Header.Get("X-WANDB-ASYNC-CLIENT-ID")
	}
	stopped, err := s.take(r.Context(), newRunName(r.PathValue("entity"), r.PathValue("project"), r.PathValue("run")), &c)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"stopped": stopped})
}

// plainBody returns a body as it was before it was compressed.
func plainBody(body io.Reader, encoding string) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, track.Errorf(track.InvalidParameter, "the request is no gzip: %v", err)
		}
		return z, nil
	}
	return nil, track.Errorf(track.InvalidParameter, "the request is encoded as %q; gzip is known here", encoding)
}

// take stores a chunk of a run, and says whether somebody wants it to end.
func (s *Server) take(ctx context.Context, n runName, c *chunk) (stopped bool, err error) {
	defer s.locks.Lock(n.key())()
	r, err := s.loadRun(ctx, n)
	if err != nil {
		return false, err
	}
	return r.Stopped, s.takeChunk(ctx, r, c)
}

func (s *Server) takeChunk(ctx context.Context, r *run, c *chunk) error {
	was := *r
	r.Heartbeat = now()
	if r.State == crashed { // it was only silent
		if err := s.end(ctx, r, running); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Files)) { // the summary last
		if err := s.takeOf(ctx, r, c.client, name, c.Files[name]); err != nil {
			return err
		}
	}
	if c.Complete != nil && *c.Complete || c.ExitCode != nil {
		if err := s.complete(ctx, r, c.ExitCode); err != nil {
			return err
		}
	}
	if r.State == was.State && r.Heartbeat-was.Heartbeat < silence.Milliseconds()/10 {
		return nil
	}
	return s.saveRun(ctx, r)
}

// takeOf stores lines of a client.
func (s *Server) takeOf(ctx context.Context, r *run, client, name string, l lines) error {
	if l.Offset < 0 {
		return track.Errorf(track.InvalidParameter, "%s: an offset of %d", name, l.Offset)
	}
	if client != "" {
		return s.takeShared(ctx, r, client, name, l)
	}
	return s.takeFile(ctx, r, name, l)
}

func (s *Server) takeFile(ctx context.Context, r *run, name string, l lines) error {
	switch stream := streams[name]; {
	case stream == historyStream:
		return s.takeRows(ctx, r, stream, l, historyPoint)
	case stream == eventsStream:
		return s.takeRows(ctx, r, stream, l, eventPoint)
	case stream == outputStream:
		return s.store.PutLines(ctx, r.ID, stream, l.Offset, l.Content)
	case name == summaryFile:
		if len(l.Content) == 0 {
			return nil
		}
		return s.setSummary(ctx, r, l.Content[len(l.Content)-1], false)
	}
	return nil // what else there is comes as a file, too
}

// takeRows stores rows of numbers and other values, and the numbers as metrics.
func (s *Server) takeRows(ctx context.Context, r *run, stream string, l lines, at func(row map[string]any, line int64) point) error {
	var metrics []track.Metric
	for i, text := range l.Content {
		row, err := parseObject(text)
		if err != nil {
			continue // it is kept as it is: a client that is refused a line sends nothing more
		}
		p := at(row, l.Offset+int64(i))
		p.time = cmp.Or(p.time, r.Created) // the same each time the line is sent
		p.metrics(row, func(m track.Metric) { metrics = append(metrics, m) })
	}
	if err := track.LogAll(ctx, s.store, r.ID, track.Batch{Metrics: metrics}); err != nil {
		return err
	}
	return s.store.PutLines(ctx, r.ID, stream, l.Offset, l.Content)
}

// complete ends a run.
func (s *Server) complete(ctx context.Context, r *run, code *int) error {
	state := finished
	if code != nil && *code != 0 {
		state = failed
	}
	text, err := s.summary(ctx, r)
	if err == nil {
		err = s.setSummary(ctx, r, text, true)
	}
	if err == nil {
		err = s.keepOutput(ctx, r)
	}
	if err != nil {
		return err
	}
	return s.end(ctx, r, state)
}

// outputFile is the artifact that holds what a run wrote.
const outputFile = "output.log"

// keepOutput makes an artifact of the output, where the client does not send it as
// a file.
func (s *Server) keepOutput(ctx context.Context, r *run) error {
	n, err := s.store.CountLines(ctx, r.ID, outputStream)
	if err != nil || n == 0 {
		return err
	}
	at, err := s.filePath(ctx, r, outputFile)
	if err != nil {
		return err
	}
	if _, err := s.store.Artifact(ctx, at); track.CodeOf(err) != track.NotFound {
		return err
	}
	kept, err := s.store.Lines(ctx, track.LineQuery{RunID: r.ID, Stream: outputStream})
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, l := range kept {
		b.WriteString(plainLine(l.Text))
		b.WriteByte('\n')
	}
	_, err = s.store.PutArtifact(ctx, at, strings.NewReader(b.String()))
	return err
}

// plainLine takes away what clients put before a line of output: the time, and a
// word for standard error.
func plainLine(line string) string {
	rest := strings.TrimPrefix(line, "ERROR ")
	if stamp, text, ok := strings.Cut(rest, " "); ok && len(stamp) >= 19 && stamp[4] == '-' && stamp[10] == 'T' {
		return strings.TrimRight(text, "\n")
	}
	return strings.TrimRight(line, "\n")
}

// parseObject reads a JSON object. Python writes numbers that JSON does not have as
// bare words, which become texts.
func parseObject(text string) (map[string]any, error) {
	var o map[string]any
	err := json.Unmarshal([]byte(text), &o)
	if err != nil {
		o = nil
		if json.Unmarshal(offline.QuoteWords([]byte(text)), &o) == nil {
			err = nil
		}
	}
	if err == nil && o == nil {
		err = errors.New("null")
	}
	return o, err
}

// point is where a row is on the curves.
type point struct {
	step, time int64
	prefix     string // what stands before each key and is replaced by "system/"; "" for nothing
}

func historyPoint(row map[string]any, line int64) point {
	p := point{step: line, time: rowTime(row)}
	if step, ok := number(row["_step"]); ok {
		p.step = int64(step)
	}
	return p
}

// eventPoint is where a row of system metrics is.
func eventPoint(row map[string]any, line int64) point {
	return point{step: line, time: rowTime(row), prefix: "system."}
}

// rowTime returns the time of a row; 0 if it has none.
func rowTime(row map[string]any) int64 {
	if t, ok := number(row["_timestamp"]); ok && t > 0 && t < 1e12 {
		return int64(t * 1000)
	}
	return 0
}

// metrics calls f for each number in a row. What the client adds for itself is left
// out, and what describes a file.
func (p point) metrics(row map[string]any, f func(track.Metric)) {
	flat, _ := flatRow(row)
	for key, value := range flat {
		v, ok := number(value)
		if !ok || strings.HasPrefix(key, "_") {
			continue
		}
		if rest, ok := strings.CutPrefix(key, p.prefix); ok && p.prefix != "" {
			key = "system/" + rest
		}
		if key = track.CleanKey(key); key != "" {
			f(track.Metric{Key: key, Value: v, Step: p.step, Time: p.time})
		}
	}
}

// logged reports whether a history has a point of the key at the step or later: what
// the summary says of it is its own to say.
func (p point) logged(latest []track.Metric, key string) bool {
	for _, m := range latest {
		if m.Key == key {
			return m.Step >= p.step
		}
	}
	return false
}
