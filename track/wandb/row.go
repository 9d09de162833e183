package wandb

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/wandb/offline"
)

// row is a row of a history with the step that it is at.
type row struct {
	step   int64
	text   string
	values map[string]any // those in tables as "table.key", as W&B has them
}

func newRow(l track.Line, values map[string]any) row {
	flat, changed := flatRow(values)
	x := row{historyPoint(values, l.Number).step, l.Text, flat}
	if changed {
		exact, _ := flatRow(exactRow(l.Text))
		x.text = rowText(exact)
	}
	return x
}

// exactRow reads a row that can be read, and keeps its numbers as they are written.
func exactRow(text string) map[string]any {
	values := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(offline.QuoteWords([]byte(text))))
	d.UseNumber()
	_ = d.Decode(&values) // it was read before
	return values
}

// flatRow puts what is in tables beside them, as "table.key", and says whether there
// was any. What describes a file, such as an image, is left whole.
func flatRow(values map[string]any) (flat map[string]any, changed bool) {
	for _, v := range values {
		changed = changed || isTable(v)
	}
	if !changed {
		return values, false
	}
	flat = map[string]any{}
	for key, v := range values {
		if !isTable(v) {
			flat[key] = v
			continue
		}
		below, _ := flatRow(v.(map[string]any))
		for name, v := range below {
			flat[key+"."+name] = v
		}
	}
	return flat, true
}

// isTable reports whether a value has values of its own, and does not describe a file.
func isTable(v any) bool {
	table, ok := v.(map[string]any)
	_, typed := table["_type"]
	return ok && !typed && len(table) > 0
}

// rowText writes a row as clients do: numbers that JSON does not have are bare words.
func rowText(values map[string]any) string {
	var b strings.Builder
	for i, key := range slices.Sorted(maps.Keys(values)) {
		b.WriteByte("{,"[min(i, 1)])
		name, _ := json.Marshal(key) // a text always can be
		b.Write(name)
		b.WriteByte(':')
		word, text := values[key].(string)
		if _, is := number(word); text && is {
			b.WriteString(word)
			continue
		}
		v, _ := json.Marshal(values[key]) // it came from JSON
		b.Write(v)
	}
	if len(values) == 0 {
		return "{}"
	}
	return b.String() + "}"
}
