package pipeline

import (
	"testing"

	"github.com/xtrepro/xt/lock"
)

func TestEdited(t *testing.T) {
	for _, c := range []struct {
		file, text, key string
		value           any
		want            string // "" for an error
	}{
		{"xt.toml", "[params] # p\nlr = 0.1 # rate\nn = 2\n[stage.a]\ncmd = \"x\"\n", "lr", 0.5, "[params] # p\nlr = 0.5 # rate\nn = 2\n[stage.a]\ncmd = \"x\"\n"},
		{"xt.toml", "[params]\ntrain = { hidden = 64, epochs = 20 }\n", "train.hidden", int64(8), "[params]\ntrain = { hidden = 8, epochs = 20 }\n"},
		{"xt.toml", "[params.train]\nhidden = 64\n", "train.hidden", int64(8), "[params.train]\nhidden = 8\n"},
		{"xt.toml", "[params]\nl = [1, 2]\n", "l", []any{int64(3)}, "[params]\nl = [3]\n"},
		{"xt.toml", "[params]\nlr = 0.1\n", "lr", 0.1, "[params]\nlr = 0.1\n"},
		{"xt.toml", "[params]\nlr = 0.1\n", "no", 0.1, ""},
		{"p.toml", "a.b = 'x'\n", "a.b", "y", "a.b = \"y\"\n"},
		{"p.yaml", "# c\ntrain:\n  lr: 0.1  # rate\n  name: 'a b'\nlist: [1, 2]\n", "train.lr", 0.5, "# c\ntrain:\n  lr: 0.5  # rate\n  name: 'a b'\nlist: [1, 2]\n"},
		{"p.yaml", "train:\n  name: 'a b'\n", "train.name", "c: d", "train:\n  name: \"c: d\"\n"},
		{"p.yaml", "list: [1, 2] # l\n", "list", []any{int64(3), int64(4)}, "list: [3,4] # l\n"},
		{"p.yaml", "list:\n  - 1\n  - 2\n", "list[1]", int64(5), "list:\n  - 1\n  - 5\n"},
		{"p.yaml", "list:\n  - 1\n  - 2\n", "list", []any{int64(5)}, ""},
		{"p.yaml", "a: &x 1\nb: *x\n", "b", int64(2), ""},
		{"p.yaml", "a: |\n  text\n", "a", "t", ""},
		{"p.yaml", "ü: 1\nb: 2\n", "b", int64(3), "ü: 1\nb: 3\n"},
		{"p.json", "{\"a\": {\"b\": 1, \"c\": \"x\"},\n \"d\": true}\n", "a.b", int64(2), "{\"a\": {\"b\": 2, \"c\": \"x\"},\n \"d\": true}\n"},
		{"p.json", "{\"a\": \"x\\\"y\"}\n", "a", "z", "{\"a\": \"z\"}\n"},
		{"p.json", "{\"d\": true}", "d", false, "{\"d\": false}"},
	} {
		got, err := withSetting(c.text, &ParamSetting{c.file, c.key, c.value})
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %s = %v in %q:\ngot  %q, %v\nwant %q", c.file, c.key, c.value, c.text, got, err, c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	got, err := ParamSettings([]lock.Param{{Key: "train", Value: `{ epochs = 2, name = "x" }`}, {File: "p.yaml", Key: "l", Value: "[1, 2]"}})
	if err != nil || len(got) != 3 || got[0].Key != "train.epochs" || got[1].Value != "x" || got[2].File != "p.yaml" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ParamSettings([]lock.Param{{Key: "n", Value: "null"}}); err == nil {
		t.Error("null can be written")
	}
}

func FuzzEdited(f *testing.F) {
	f.Add("p.yaml", "a: 1\nb: [1, 'x']\n", "a", int64(2))
	f.Add("p.json", `{"a": {"b": "c"}}`, "a.b", int64(2))
	f.Add("xt.toml", "[params]\na = { b = 1 }\n", "a.b", int64(2))
	f.Fuzz(func(t *testing.T, file, text, key string, value int64) {
		// What it returns has the value, and all else as before: it sees to that.
		_, _ = withSetting(text, &ParamSetting{file, key, value})
	})
}
