package pipeline

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
)

// MetricError says that a metrics file does not have a number that it was to have.
type MetricError struct {
	Metric MetricKey
	Msg    string
	Hint   string // "" if there is nothing to say
}

// Error says which metric it is and what is wrong.
func (e *MetricError) Error() string { return e.Msg }

// Hints says what to do about it.
func (e *MetricError) Hints() []string { return []string{e.Hint} }

// ReadMetric returns a number of a metrics file, which may be NaN or infinite. That
// there is none is a [*MetricError].
func ReadMetric(src Source, m MetricKey) (float64, error) {
	b, err := src.ReadFile(m.File)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, &MetricError{Metric: m, Msg: m.File + " was not written"}
	}
	if err != nil {
		return 0, err
	}
	flat, err := metricsIn(m.File, b)
	if err != nil {
		return 0, &MetricError{Metric: m, Msg: fmt.Sprintf("%s:%v", m.File, err), Hint: "a metrics file is JSON, YAML or TOML with names and numbers"}
	}
	v, ok := flat[m.Key]
	if !ok {
		var keys []string
		for key := range flat {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		hint := suggest.DidYouMean(m.Key, keys)
		if hint == "" && len(keys) > 0 {
			hint = knownAre(keys)
		}
		return 0, &MetricError{Metric: m, Msg: fmt.Sprintf("%s has no key %q", m.File, m.Key), Hint: hint}
	}
	f, ok := floatOf(v)
	if !ok {
		return 0, &MetricError{Metric: m, Msg: fmt.Sprintf("%s is %s, and no number", m, literal(v))}
	}
	return f, nil
}

// special matches texts of JSON, and the numbers that Python writes into it, which has no
// such.
var special = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|NaN\b|-?Infinity\b`)

// quoteSpecial makes texts of these numbers.
func quoteSpecial(b []byte) []byte {
	return special.ReplaceAllFunc(b, func(m []byte) []byte {
		if m[0] == '"' {
			return m
		}
		return []byte(strconv.Quote(string(m)))
	})
}

// decodeMetrics reads a metrics file, in which numbers may be infinite or none.
func decodeMetrics(name string, b []byte) (map[string]any, error) {
	v, err := decodeParams(name, b)
	if err == nil || path.Ext(name) != ".json" {
		return v, err
	}
	if v, errAgain := decodeParams(name, quoteSpecial(b)); errAgain == nil {
		return v, nil
	}
	return nil, err
}

// metricsIn returns the values of a metrics file by key.
func metricsIn(name string, b []byte) (map[string]any, error) {
	v, err := decodeMetrics(name, b)
	if err != nil {
		return nil, err
	}
	flat := map[[2]string]any{}
	flatten("", "", v, flat)
	keys := make(map[string]any, len(flat))
	for k, v := range flat {
		keys[k[1]] = v
	}
	return keys, nil
}

// floatOf returns a number, or a text that stands for one that has no other
// notation.
func floatOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && (math.IsNaN(f) || math.IsInf(f, 0))
	}
	return 0, false
}

// MetricPoint is what a metric was at a step.
type MetricPoint struct {
	Step  int64
	Value float64
}

// stepNames are what the column or key of a step is called.
var stepNames = []string{"step", "epoch", "iteration", "iter", "global_step", "batch"}

// MetricPoints returns the points of a metric in a file that may still be written:
// of a CSV or TSV file one for each whole row, of others the one that it has now,
// with the step that stands beside it, or else -1. What cannot be read has none.
func MetricPoints(name string, b []byte, key string) []MetricPoint {
	switch path.Ext(name) {
	case ".csv":
		return csvPoints(b, ',', key)
	case ".tsv":
		return csvPoints(b, '\t', key)
	}
	flat, err := metricsIn(name, b)
	if err != nil {
		return nil
	}
	v, ok := floatOf(flat[key])
	if !ok {
		return nil
	}
	p := MetricPoint{Step: -1, Value: v}
	for _, name := range stepNames {
		if step, ok := flat[name].(int64); ok && step >= 0 {
			p.Step = step
			break
		}
	}
	return []MetricPoint{p}
}

func csvPoints(b []byte, comma rune, key string) []MetricPoint {
	text := string(b)
	text = text[:strings.LastIndexByte(text, '\n')+1] // a row that is being written is none yet
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = comma, -1
	head, err := r.Read()
	if err != nil {
		return nil
	}
	column, steps := slices.Index(head, key), slices.IndexFunc(head, func(h string) bool { return slices.Contains(stepNames, h) })
	if column < 0 {
		return nil
	}
	var points []MetricPoint
	for row := int64(1); ; row++ {
		fields, err := r.Read()
		if err != nil {
			return points
		}
		if column >= len(fields) {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(fields[column]), 64)
		if err != nil {
			continue
		}
		p := MetricPoint{Step: row, Value: v}
		if steps >= 0 && steps < len(fields) {
			if f, err := strconv.ParseFloat(strings.TrimSpace(fields[steps]), 64); err == nil && f >= 0 && f < 1<<53 {
				p.Step = int64(f)
			}
		}
		points = append(points, p)
	}
}
