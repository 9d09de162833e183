package pipeline

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMetricPoints(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name, text string
		want       []MetricPoint
	}{
		{"a.csv", "", nil},
		{"a.csv", "loss", nil},
		{"a.csv", "loss\n0.5\n0.25\n0.1", []MetricPoint{{1, 0.5}, {2, 0.25}}},
		{"a.csv", "epoch,lr,loss\n0,1,0.5\n3,1,nan\n", []MetricPoint{{0, 0.5}, {3, nan}}},
		{"a.csv", "epoch,loss\n0\n1,x\n2,7\n-1,8\n", []MetricPoint{{2, 7}, {4, 8}}},
		{"a.csv", "acc\n1\n", nil},
		{"a.tsv", "step\tloss\n10\t2\n", []MetricPoint{{10, 2}}},
		{"a.csv", "loss\n\"1\n", nil},
		{"a.json", `{"loss": 2}`, []MetricPoint{{-1, 2}}},
		{"a.json", `{"loss": NaN, "epoch": 4}`, []MetricPoint{{4, nan}}},
		{"a.json", `{"loss": 2`, nil},
		{"a.yaml", "loss: 2\nstep: -1\n", []MetricPoint{{-1, 2}}},
		{"a.toml", "loss = \"low\"\n", nil},
	} {
		if diff := cmp.Diff(tt.want, MetricPoints(tt.name, []byte(tt.text), "loss"), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s %q: %s", tt.name, tt.text, diff)
		}
	}
}

// FuzzMetricPoints checks that a file which grows never has fewer points, and no
// other ones, than before, as long as its rows are whole.
func FuzzMetricPoints(f *testing.F) {
	f.Add("epoch,loss\n", "1,2\n", "3,4\n")
	f.Add("loss\n", "\"", "\"\n")
	f.Add("loss\n", "1", "5\n")
	f.Fuzz(func(t *testing.T, head, first, second string) {
		MetricPoints("a.json", []byte(head), "loss")
		before := MetricPoints("a.csv", []byte(head+first), "loss")
		after := MetricPoints("a.csv", []byte(head+first+second), "loss")
		for i, p := range before {
			if p.Step < 0 {
				t.Fatalf("%q: step %d", head+first, p.Step)
			}
			if i < len(after) && after[i].Step != p.Step {
				t.Fatalf("%q, then %q: point %d was %v, and is %v", head+first, second, i, p, after[i])
			}
		}
	})
}
