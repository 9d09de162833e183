package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/track"
)

// Limits of the tables that a run is shown with: the artifacts have the rest.
const (
	maxTables     = 5
	maxTableRows  = 5
	maxTableWidth = 6        // columns
	maxCell       = 40       // characters
	maxTableBytes = 16 << 20 // of a file
)

// loggedTable is a table that a run logged.
type loggedTable struct {
	key  string
	step int64
	file track.Artifact

	Columns []any   `json:"columns"`
	Data    [][]any `json:"data"`
}

// tableFile is how W&B's clients name the file of a table: its key, the step, and
// digits of its content.
var tableFile = regexp.MustCompile(`(?:^|/)media/table/(.+)_(\d+)_[0-9a-f]+\.table\.json$`)

// tablesOf returns the tables among artifacts, of each key the last.
func tablesOf(files []track.Artifact) []*loggedTable {
	var tables []*loggedTable
	at := map[string]int{}
	for _, f := range files {
		m := tableFile.FindStringSubmatch(f.Path.String())
		if m == nil || f.Node.Size > maxTableBytes {
			continue
		}
		step, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			continue
		}
		t := &loggedTable{key: m[1], step: step, file: f}
		if i, ok := at[t.key]; !ok {
			at[t.key] = len(tables)
			tables = append(tables, t)
		} else if tables[i].step <= step {
			tables[i] = t
		}
	}
	return tables
}

// printTables shows the first rows of the tables that a run logged.
func (a *app) printTables(ctx context.Context, s track.Store, files []track.Artifact) error {
	tables := tablesOf(files)
	if len(tables) == 0 {
		return nil
	}
	a.term.Printf("%s\n", a.term.Paint(term.Dim, "tables"))
	for i, t := range tables {
		if i == maxTables {
			a.term.Printf("  and %s more\n", term.Count(int64(len(tables)-i)))
			break
		}
		if err := t.read(ctx, s); err != nil {
			a.term.Printf("  %s  (%s)\n", shown(t.key), shown(err.Error()))
			continue
		}
		a.term.Printf("  %s, step %d: %s\n", shown(t.key), t.step, plural(len(t.Data), "row"))
		for _, line := range t.lines() {
			a.term.Printf("    %s\n", line)
		}
	}
	return nil
}

func (t *loggedTable) read(ctx context.Context, s track.Store) error {
	f, _, err := s.OpenArtifact(ctx, t.file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, maxTableBytes)).Decode(t); err != nil {
		return fmt.Errorf("it is no table: %w", err)
	}
	return nil
}

// lines returns the first rows as lines of text.
func (t *loggedTable) lines() []string {
	rows := [][]string{cells(t.Columns)}
	for _, row := range t.Data[:min(len(t.Data), maxTableRows)] {
		rows = append(rows, cells(row))
	}
	if len(t.Data) > maxTableRows {
		rows = append(rows, []string{"…"})
	}
	return aligned(rows)
}

// cells returns the first values of a row as texts.
func cells(row []any) []string {
	var texts []string
	for i, v := range row {
		if i == maxTableWidth {
			texts = append(texts, "…")
			break
		}
		texts = append(texts, shorten(cell(v), maxCell))
	}
	return texts
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case string:
		return shown(v)
	case map[string]any: // an image, and the like
		if path, ok := v["path"].(string); ok {
			return shown(path)
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// aligned returns rows as lines whose columns are below one another.
func aligned(rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], displaywidth.String(c))
		}
	}
	var lines []string
	for _, row := range rows {
		var b strings.Builder
		for i, c := range row {
			b.WriteString(padded(c, widths[i]+2))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}
