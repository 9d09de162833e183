package pipeline

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestParsePlot(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		noHeader   bool
		want       *PlotTable // nil: a mistake
	}{
		{name: "a.csv", text: "\ufeffstep, loss\n0,0.5\n1,\n2,x\n", want: &PlotTable{[]string{"step", "loss"}, [][]any{{0.0, 0.5}, {1.0, nil}, {2.0, "x"}}}},
		{name: "a.csv", text: "1,2\n3,4\n", noHeader: true, want: &PlotTable{[]string{"0", "1"}, [][]any{{1.0, 2.0}, {3.0, 4.0}}}},
		{name: "a.tsv", text: "a\tb\n1\t2\n", want: &PlotTable{[]string{"a", "b"}, [][]any{{1.0, 2.0}}}},
		{name: "a.csv", text: "", want: &PlotTable{}},
		{name: "a.csv", text: "a\n1,2\n"},
		{name: "a.csv", text: "\xff\xfea\x00"},
		{name: "a.json", text: " \n", want: &PlotTable{}},
		{name: "a.json", text: `{"x": {"train": [{"step": 1, "loss": 2}, {"loss": 3, "note": null}]}}`, want: &PlotTable{[]string{"loss", "step", "note"}, [][]any{{2.0, 1.0, nil}, {3.0, nil, nil}}}},
		{name: "a.json", text: `[1, 2]`},
		{name: "a.json", text: `[]`, want: &PlotTable{}},
		{name: "a.json", text: `[{"x": Infinity, "s": "NaN, [NaN"}, {"x": -Infinity}]`, want: &PlotTable{[]string{"s", "x"}, [][]any{{"NaN, [NaN", math.Inf(1)}, {nil, math.Inf(-1)}}}},
		{name: "a.jsonl", text: "{\"x\": Infinity}\n", want: &PlotTable{[]string{"x"}, [][]any{{math.Inf(1)}}}},
		{name: "a.json", text: `{"metric": [{"v": 1}, {"v": 2}], "other": [{"z": 3}], "note": "x"}`, want: &PlotTable{[]string{"v", "z"}, [][]any{{1.0, 3.0}, {2.0, nil}}}},
		{name: "a.json", text: `{"test": [{"step": 0, "loss": 3}], "train": [{"step": 0, "loss": 1}, {"step": 1, "loss": 2}]}`,
			want: &PlotTable{[]string{"loss", "step", "train.loss"}, [][]any{{3.0, 0.0, 1.0}, {nil, 1.0, 2.0}}}},
		{name: "a.json", text: "[\n{]"},
		{name: "a.jsonl", text: "{\"a\": \"inf\"}\n\n{\"a\": [1]}\n", want: &PlotTable{[]string{"a"}, [][]any{{math.Inf(1)}, {"[1]"}}}},
		{name: "a.jsonl", text: "1\n"},
		{name: "a.yaml", text: "- a: 1\n- a: 2\n", want: &PlotTable{[]string{"a"}, [][]any{{1.0}, {2.0}}}},
		{name: "a.yaml", text: "train:\n- a: 1\n", want: &PlotTable{[]string{"a"}, [][]any{{1.0}}}},
		{name: "a.txt", text: "a\n1\n"},
	} {
		got, err := ParsePlot(tt.name, []byte(tt.text), !tt.noHeader)
		var misuse *MisuseError
		if tt.want == nil && !errors.As(err, &misuse) {
			t.Errorf("%s %q: %+v, %v, want a mistake", tt.name, tt.text, got, err)
		}
		if tt.want != nil && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s %q: %+v, %v, want %+v", tt.name, tt.text, got, err, tt.want)
		}
	}
}

// FuzzParsePlot looks for tables whose rows are not as long as there are columns.
func FuzzParsePlot(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a\tb\n", `[{"a": 1}]`, "{\"a\": 1}\n{\"b\": 2}", "- a: 1\n- b: [x]\n", "\"\n", "\ufeff", `{"a": {"b": [{}]}}`} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, header bool) {
		for _, ext := range []string{"csv", "tsv", "json", "jsonl", "yaml"} {
			table, err := ParsePlot("x."+ext, b, header)
			var misuse *MisuseError
			if err != nil {
				if !errors.As(err, &misuse) {
					t.Errorf("%s: %v is no mistake of the user", ext, err)
				}
				continue
			}
			for _, row := range table.Rows {
				if len(row) != len(table.Columns) {
					t.Fatalf("%s: a row of %d in a table of %d columns", ext, len(row), len(table.Columns))
				}
				for _, cell := range row {
					switch cell.(type) {
					case nil, float64, string, bool:
					default:
						t.Fatalf("%s: a cell is a %T", ext, cell)
					}
				}
			}
		}
	})
}
