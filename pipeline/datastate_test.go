package pipeline

import (
	"slices"
	"testing"

	"github.com/xtrepro/xt/lock"
)

func TestDataRead(t *testing.T) {
	for _, tt := range []struct {
		dep, data string
		read      bool
	}{
		{"data", "data", true},
		{"data", "data/a", true},
		{"data/a", "data", true},
		{"data/a/b", "data", true},
		{".", "data/a", true},
		{"data", "data2", false},
		{"data2", "data", false},
		{"data/a", "data/b", false},
	} {
		file := lock.New()
		file.Data[tt.data] = &lock.Data{}
		stages := []*Stage{{Deps: []string{"other"}}, {Deps: []string{tt.dep}}}
		if got := slices.Contains(dataRead(stages, file), tt.data); got != tt.read {
			t.Errorf("a stage with dependency %s reads data %s: %v, want %v", tt.dep, tt.data, got, tt.read)
		}
	}
}
