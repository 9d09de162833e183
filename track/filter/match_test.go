package filter

import "testing"

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"%", "", true}, {"%", "abc", true}, {"a%", "abc", true}, {"a%", "ba", false},
		{"%c", "abcc", true}, {"a_c", "abc", true}, {"a_c", "ac", false}, {"%b%", "abc", true}, {"a%b%c", "aXbYbc", true},
		{"a%b%c", "aXbY", false}, {"_", "ü", true}, {"%%", "x", true},
	} {
		if got := like(c.pattern, c.text); got != c.want {
			t.Errorf("like(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
}

func TestMatch(t *testing.T) {
	get := func(c *Clause) (Value, bool) {
		switch c.Key {
		case "name":
			return Value{Text: "Net"}, true
		case "version_number":
			return Value{Number: 3}, true
		case "owner":
			return Value{Text: "ada"}, true
		}
		return Value{}, false
	}
	for text, want := range map[string]bool{
		"": true, "name = 'Net'": true, "name != 'Net'": false, "name LIKE 'N%'": true, "name LIKE 'n%'": false, "name ILIKE 'n%'": true,
		"version_number >= 3 AND tags.owner = 'ada'": true, "version_number < 3": false, "version_number != 3": false,
		"tags.other != 'x'": false, "name IN ('a', 'Net')": true, "run_id = 'x'": false,
	} {
		clauses, err := ModelVersions().Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Match(clauses, get); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
