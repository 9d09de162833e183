package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/chart"
	"github.com/xtrepro/xt/pipeline"
)

// Templates of Vega-Lite that DVC's users have say where things belong by anchors,
// such as "<DVC_METRIC_X>". A specification without them refers to the data by the name
// "data", or by none.

const anchorPrefix = "<DVC_METRIC_"

// inferredY is under which a data point says its value where several columns of y are
// drawn, each point being once there for each of them; fieldKey says of which.
const (
	inferredY = "dvc_inferred_y_value"
	fieldKey  = "field"
)

// fileKey is under which a data point says which file it is of. Where curves are told
// apart by file and column, a key that is made of both does so.
const (
	fileKey      = "filename"
	keySeparator = "::"
)

// maxSpecSize is how large a specification may be.
const maxSpecSize = 1 << 20

// readSpec reads the specification of a plot and puts the data into it.
func (d *drawing) readSpec(v *pipeline.View, look *pipeline.Look) error {
	b, err := v.Source.ReadFile(d.spec)
	switch {
	case pipeline.Missing(err):
		err = errors.New("it is not there")
	case err == nil && len(b) > maxSpecSize:
		err = fmt.Errorf("it is larger than %d MiB", maxSpecSize>>20)
	case err == nil:
		d.filled, err = fillSpec(b, d.name, look, d.sources, d.data())
	}
	if err != nil {
		return &pipeline.MisuseError{Msg: fmt.Sprintf("the specification %s: %v", d.spec, err), Hint: "a template is a file of JSON as Vega-Lite has it, by its path from the root of the project"}
	}
	return nil
}

// fillSpec returns the specification with the data in it, as JSON that may stand in a
// page.
func fillSpec(spec []byte, name string, look *pipeline.Look, sources []source, data []dataPoint) ([]byte, error) {
	var root any
	if err := json.Unmarshal(spec, &root); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	m, ok := root.(map[string]any)
	if !ok {
		return nil, errors.New("a specification is a table: {\"mark\": …, \"encoding\": …}")
	}
	f := newAnchors(name, look, sources)
	if len(f.columns) > 1 && strings.Contains(string(spec), anchorPrefix+"Y>") {
		data = melted(data, f.columns, look.YOf)
	}
	f.data = f.named(data)
	filled, _ := f.fill(m).(map[string]any)
	if !f.placed {
		placeData(filled, f.data)
	}
	return json.Marshal(filled)
}

// placeData gives the data to a specification that has no anchor for it: where it
// refers to it by its name, or nowhere says where its data comes from.
func placeData(spec map[string]any, data []dataPoint) {
	const name = "data"
	switch at := spec["data"].(type) {
	case nil:
		spec["data"] = map[string]any{"name": name, "values": data}
	case map[string]any: // of Vega-Lite
		if at["name"] == name && at["values"] == nil && at["url"] == nil {
			at["values"] = data
		}
	case []any: // of Vega
		for _, set := range at {
			if m, ok := set.(map[string]any); ok && m["name"] == name && m["values"] == nil && m["url"] == nil && m["source"] == nil {
				m["values"] = data
			}
		}
	}
}

// melted returns each point once for each column, or for those that are of its file.
func melted(data []dataPoint, columns []string, of map[string][]string) []dataPoint {
	list := []dataPoint{}
	for _, column := range columns {
		for _, p := range data {
			v, ok := p[column]
			if file, _ := p[fileKey].(string); !ok || of != nil && !slices.Contains(of[file], column) {
				continue
			}
			one := maps.Clone(p)
			one[inferredY], one[fieldKey] = v, column
			list = append(list, one)
		}
	}
	return list
}

// anchors fills in what anchors stand for.
type anchors struct {
	values  map[string]any // by name in upper case
	columns []string       // of y
	varied  []string       // what tells the curves of a revision apart: the file, the column, or both
	data    []dataPoint
	placed  bool // whether the data was asked for
}

func newAnchors(name string, look *pipeline.Look, sources []source) *anchors {
	f := &anchors{columns: look.Y}
	x, revisions := look.X, []string{}
	for i := range sources {
		s := &sources[i]
		if at := s.xColumn(look); x == "" && at >= 0 {
			x = s.Columns[at]
		}
		if !slices.Contains(revisions, s.name) {
			revisions = append(revisions, s.name)
		}
	}
	if look.Y == nil {
		for _, g := range groupsOf(look, sources) {
			f.columns = append(f.columns, g.columns...)
		}
	}
	x = cmp.Or(x, "step")
	y := strings.Join(f.columns, ", ")
	label := cmp.Or(look.YLabel, y)
	if len(f.columns) > 1 {
		y = inferredY
	}
	f.values = map[string]any{
		"TITLE": cmp.Or(look.Title, name), "X": fieldName(x), "Y": fieldName(y), "X_LABEL": cmp.Or(look.XLabel, x), "Y_LABEL": label,
		"PLOT_WIDTH": 480, "PLOT_HEIGHT": 300, "COLUMN_WIDTH": 300, "PIVOT_FIELD": "datum." + revisionKey,
		"COLOR":        colourOf(revisions),
		"ZOOM_AND_PAN": map[string]any{"name": "grid", "select": "interval", "bind": "scales"},
		"TOOLTIP":      []any{map[string]any{"field": revisionKey}, map[string]any{"field": fieldName(x)}, map[string]any{"field": fieldName(y)}},
		"SHAPE":        map[string]any{}, "STROKE_DASH": map[string]any{}, "COLUMN": map[string]any{}, "ROW": map[string]any{},
	}
	if severalFiles(sources) {
		f.varied = append(f.varied, fileKey)
	}
	if len(f.columns) > 1 {
		f.varied = append(f.varied, fieldKey)
	}
	group := []any{revisionKey}
	if len(f.varied) > 0 {
		by := strings.Join(f.varied, keySeparator)
		group = append(group, by)
		f.tellApart(by, f.curves(look, sources))
	}
	f.values["GROUP_BY"] = group
	f.values["GROUP_BY_X"], f.values["GROUP_BY_Y"] = append(slices.Clone(group), x), append(slices.Clone(group), y)
	return f
}

// curves returns what the curves of a revision are called.
func (f *anchors) curves(look *pipeline.Look, sources []source) []string {
	var names []string
	for i := range sources {
		for _, column := range f.columns {
			name := map[string]string{fileKey: sources[i].file, fieldKey: column, fileKey + keySeparator + fieldKey: sources[i].file + keySeparator + column}[strings.Join(f.varied, keySeparator)]
			if y := sources[i].yNames(look); sources[i].column(column) >= 0 && (y == nil || slices.Contains(y, column)) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// tellApart fills in what is for several curves of a revision, of which a key of the
// points says which it is.
func (f *anchors) tellApart(by string, names []string) {
	mapping := map[string]any{"field": by, "type": "nominal", "scale": map[string]any{"domain": names}, "legend": map[string]any{"symbolFillColor": "transparent", "symbolStrokeColor": "grey"}}
	f.values["STROKE_DASH"], f.values["SHAPE"] = mapping, mapping
	f.values["ROW"] = map[string]any{"field": by, "type": "nominal", "sort": []any{}}
	f.values["COLUMN"] = f.values["ROW"]
	f.values["PIVOT_FIELD"] = "datum." + strings.Join(append([]string{revisionKey}, f.varied...), " + '"+keySeparator+"' + datum.")
	f.values["TOOLTIP"] = append(f.values["TOOLTIP"].([]any), map[string]any{"field": by})
}

// named returns the points with one key for file and column together, where these tell
// the curves apart only so.
func (f *anchors) named(data []dataPoint) []dataPoint {
	if len(f.varied) > 1 {
		for _, p := range data {
			p[fileKey+keySeparator+fieldKey] = fmt.Sprint(p[fileKey], keySeparator, p[fieldKey])
		}
	}
	return data
}

// colourOf says that each revision has a colour of its own.
func colourOf(revisions []string) map[string]any {
	colours := []string{}
	for i := range revisions {
		colours = append(colours, chart.Colour(i))
	}
	return map[string]any{"field": revisionKey, "type": "nominal", "scale": map[string]any{"domain": revisions, "range": colours}}
}

// fieldName writes the name of a column as a specification has it, where a point or a
// bracket leads into a value.
func fieldName(s string) string {
	return strings.NewReplacer(".", `\.`, "[", `\[`, "]", `\]`).Replace(s)
}

// fill returns a part of a specification with what its anchors stand for. One that
// stands alone becomes the value; one within a text its text. An anchor that xt does not
// know, it leaves.
func (f *anchors) fill(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = f.fill(x)
		}
	case []any:
		for i, x := range v {
			v[i] = f.fill(x)
		}
	case string:
		return f.text(v)
	}
	return v
}

func (f *anchors) text(s string) any {
	if !strings.Contains(s, anchorPrefix) {
		return s
	}
	if s == anchorPrefix+"DATA>" {
		f.placed = true
		return f.data
	}
	var texts []string
	for name, value := range f.values {
		anchor := anchorPrefix + name + ">"
		if s == anchor {
			return value
		}
		if text, ok := value.(string); ok {
			texts = append(texts, anchor, text)
		}
	}
	return strings.NewReplacer(texts...).Replace(s)
}
