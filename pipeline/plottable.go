package pipeline

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// PlotTable is the data of a plot file. Cells are numbers (float64), texts, booleans,
// or nil.
type PlotTable struct {
	Columns []string
	Rows    [][]any
}

// ParsePlot reads a table of CSV or TSV, or records of JSON, JSON Lines or YAML: a list of
// tables, which may be a value in another table. A mistake is a [*MisuseError] with
// the line.
func ParsePlot(name string, b []byte, header bool) (*PlotTable, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	var t *PlotTable
	var err error
	if len(bytes.TrimSpace(b)) == 0 && IsPlot(name) {
		return &PlotTable{}, nil
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".csv":
		t, err = parseTable(b, ',', header)
	case ".tsv":
		t, err = parseTable(b, '\t', header)
	case ".json":
		t, err = parseRecords(b)
	case ".jsonl", ".ndjson":
		t, err = parseLines(b)
	case ".yaml", ".yml":
		var v map[string]any
		if v, err = decodeParams(name, append([]byte("data:\n"), indented(b)...)); err == nil {
			t, err = recordsOf(v)
		}
	default:
		err = errors.New("a plot is CSV, TSV, JSON, JSON Lines, YAML, or a picture")
	}
	if err != nil {
		return nil, &MisuseError{Msg: fmt.Sprintf("%s: %v", name, err), Hint: "a table has a line for each point; records are a list of tables, such as [{\"step\": 1, \"loss\": 0.5}]"}
	}
	return t, nil
}

// indented puts a document below a key: a list is none that a params file may be.
func indented(b []byte) []byte {
	return append([]byte("  "), bytes.ReplaceAll(b, []byte("\n"), []byte("\n  "))...)
}

func parseTable(b []byte, comma rune, header bool) (*PlotTable, error) {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return nil, errors.New("it is UTF-16, and a table is UTF-8")
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	t := &PlotTable{}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		if t.Columns == nil {
			for i, name := range rec {
				if !header {
					name = strconv.Itoa(i)
				}
				t.Columns = append(t.Columns, strings.TrimSpace(strings.Clone(name)))
			}
			if header {
				continue
			}
		}
		if len(rec) > len(t.Columns) {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d has %d fields, and the first line %d", line, len(rec), len(t.Columns))
		}
		row := make([]any, len(t.Columns))
		for i, text := range rec {
			row[i] = plotCell(text)
		}
		t.Rows = append(t.Rows, row)
	}
}

// plotCell reads a field of a table.
func plotCell(text string) any {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil
	}
	if f, err := strconv.ParseFloat(trimmed, 64); err == nil {
		return f
	}
	return strings.Clone(text)
}

func parseRecords(b []byte) (*PlotTable, error) {
	var v any
	err := json.Unmarshal(b, &v)
	if err != nil {
		// Python writes numbers that JSON does not have.
		if json.Unmarshal(quoteSpecial(b), &v) == nil {
			return recordsOf(v)
		}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n")), err)
		}
		return nil, err
	}
	return recordsOf(v)
}

func parseLines(b []byte) (*PlotTable, error) {
	var list []any
	for i, line := range bytes.Split(b, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil && json.Unmarshal(quoteSpecial(line), &m) != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		list = append(list, m)
	}
	return recordsOf(list)
}

// recordsOf puts the lists of tables in a value into one table, row by row, as DVC does. A
// column that an earlier list has, with other values, is named with the key of its list.
func recordsOf(v any) (*PlotTable, error) {
	lists := findRecords(nil, "", v, 0)
	if lists == nil {
		return nil, errors.New("there is no list of tables in it")
	}
	t := &PlotTable{}
	for _, list := range lists {
		t.join(list.name, tableOf(list.items))
	}
	return t, nil
}

// records is a list of tables, and the key that it stands under.
type records struct {
	name  string
	items []any
}

// tableOf makes a table of records. What one lacks is nil.
func tableOf(list []any) *PlotTable {
	t, at := &PlotTable{}, map[string]int{}
	for _, item := range list {
		m, _ := item.(map[string]any)
		row := make([]any, len(t.Columns))
		for _, key := range sortedKeys(m) {
			i, ok := at[key]
			if !ok {
				i = len(t.Columns)
				at[key] = i
				t.Columns = append(t.Columns, key)
			}
			for len(row) <= i {
				row = append(row, nil)
			}
			row[i] = scalar(m[key])
		}
		t.Rows = append(t.Rows, row)
	}
	for i := range t.Rows {
		t.widen(i)
	}
	return t
}

// widen gives a row a cell for each column.
func (t *PlotTable) widen(row int) {
	for len(t.Rows[row]) < len(t.Columns) {
		t.Rows[row] = append(t.Rows[row], nil)
	}
}

// join puts the columns of another table beside those that are there.
func (t *PlotTable) join(name string, o *PlotTable) {
	both := min(len(t.Rows), len(o.Rows))
	for len(t.Rows) < len(o.Rows) {
		t.Rows = append(t.Rows, make([]any, len(t.Columns)))
	}
	for j, column := range o.Columns {
		i := slices.Index(t.Columns, column)
		if i >= 0 && !t.agrees(i, o, j, both) {
			column, i = name+"."+column, -1
		}
		if i < 0 {
			i = len(t.Columns)
			t.Columns = append(t.Columns, column)
		}
		for k := range t.Rows {
			t.widen(k)
			if k < len(o.Rows) {
				t.Rows[k][i] = o.Rows[k][j]
			}
		}
	}
}

// agrees reports whether column i is the same as column j of another table in the first
// rows.
func (t *PlotTable) agrees(i int, o *PlotTable, j, rows int) bool {
	for k := range rows {
		a, isA := t.Rows[k][i].(float64)
		b, isB := o.Rows[k][j].(float64)
		if t.Rows[k][i] != o.Rows[k][j] && !(isA && isB && math.IsNaN(a) && math.IsNaN(b)) {
			return false
		}
	}
	return true
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// findRecords returns the lists of tables in a value, in the order of keys.
func findRecords(found []records, name string, v any, depth int) []records {
	switch v := v.(type) {
	case []any:
		if !slices.ContainsFunc(v, func(item any) bool { _, ok := item.(map[string]any); return !ok }) {
			found = append(found, records{name, v})
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if depth < 20 {
				found = findRecords(found, key, v[key], depth+1)
			}
		}
	}
	return found
}

// scalar returns a value as a cell has it.
func scalar(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case nil, float64, bool:
		return v
	case string:
		if f, ok := namedNumber(v); ok {
			return f
		}
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return string(b)
}

// namedNumber reads the texts that stand for numbers that JSON does not have.
func namedNumber(s string) (float64, bool) {
	switch s {
	case "NaN", "Infinity", "-Infinity", "inf", "-inf", "nan":
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	return 0, false
}
