package track

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzDistribution(f *testing.F) {
	for _, text := range []string{
		`{"name": "FloatDistribution", "attributes": {"step": null, "low": -Infinity, "high": NaN, "log": true}}`,
		`{"name": "CategoricalDistribution", "attributes": {"choices": ["NaN", NaN, "\"NaN", true, null, 1.5, [Infinity]]}}`,
		`{"name": "IntDistribution"}`, `{"name": "x", "attributes": {"choices": [`, `-Inf`, `"\`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDistribution(text)
		if err != nil {
			return
		}
		if err := d.Compatible(&d); err != nil {
			t.Errorf("with itself: %v", err)
		}
		if json.Valid([]byte(text)) && strings.Count(text, "NaN")+strings.Count(text, "Infinity") == 0 && string(quoteSpecial([]byte(text))) != text {
			t.Error("JSON was changed")
		}
	})
}

func TestSameChoice(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1", "1.0", true}, {"1", "true", true}, {"0", "false", true}, {"null", "false", false}, {`"1"`, "1", false}, {"NaN", "NaN", true},
		{"NaN", `"NaN"`, false}, {"Infinity", "-Infinity", false}, {"9007199254740993", "9007199254740992", false}, {`"\u00e9"`, `"é"`, true}, {"[1, 2]", "[1,2]", true}, {"[1]", "[2]", false},
	} {
		if got := sameChoice(quoteSpecial([]byte(c.a)), quoteSpecial([]byte(c.b))); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}
