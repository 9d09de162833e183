package lock

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

// Generators of valid locks, in the form that Parse returns: sorted, with
// defaults filled in, and nil rather than empty.

func genSum() *rapid.Generator[hash.Sum] {
	return rapid.Custom(func(t *rapid.T) hash.Sum {
		return hash.Bytes([]byte{rapid.Byte().Draw(t, "sum")})
	})
}

// oddTexts are those that a careless writer gets wrong.
var oddTexts = []string{
	"", " ", "a", `"`, `\`, `\"`, "'", `'''`, `"""`, "\n", "\r\n", "\t", "\x00", "\x1f", "\x7f", "\u0085", "\u2028",
	"\ufeff", "\u202e", "\ufffd", "\U0001f600", "\U000e0041", "\xff", "caf\xe9", "\xe2\x28", "#", "=", "]", "}", ",",
	"<<<<<<< x", "\n=======\n", "${lr}", "ü", "[stage.x]", `\x41`, `\u0041`, "é\xff\"\\",
}

func genText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 2).Draw(t, "text") {
		case 0:
			return rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "plain")
		case 1:
			return rapid.String().Draw(t, "any")
		}
		return rapid.SampledFrom(oddTexts).Draw(t, "odd") + rapid.SampledFrom(oddTexts).Draw(t, "odd")
	})
}

func genUTF8() *rapid.Generator[string] {
	return genText().Filter(func(s string) bool { _, err := Literal(s); return err == nil })
}

func genPath() *rapid.Generator[string] {
	part := genText().Filter(func(s string) bool { return s != "." && checkPath(s) == nil })
	return rapid.Custom(func(t *rapid.T) string {
		p := part.Draw(t, "part")
		if rapid.Bool().Draw(t, "deeper") {
			p += "/" + part.Draw(t, "part")
		}
		return p
	}).Filter(func(s string) bool { return checkPath(s) == nil })
}

func genNode() *rapid.Generator[hash.Node] {
	return rapid.Custom(func(t *rapid.T) hash.Node {
		n := hash.Node{
			Kind: rapid.SampledFrom([]hash.Kind{hash.File, hash.File, hash.Executable, hash.Directory, hash.Symlink}).Draw(t, "kind"),
			Sum:  genSum().Draw(t, "sum"),
			Size: rapid.Int64Min(0).Draw(t, "size"),
		}
		switch n.Kind {
		case hash.Directory:
			n.Files = rapid.Int64Range(0, 1e6).Draw(t, "files")
		case hash.Symlink:
			n.Target = "x" + genText().Draw(t, "target")
			n.Sum, n.Size = hash.Bytes([]byte(n.Target)), int64(len(n.Target))
		}
		return n
	})
}

func genItems() *rapid.Generator[[]Item] {
	return rapid.Custom(func(t *rapid.T) []Item {
		var items []Item
		for _, p := range genNames(genPath(), 3).Draw(t, "paths") {
			items = append(items, Item{p, genNode().Draw(t, "node")})
		}
		return items
	})
}

// genNames returns sorted distinct texts, nil for none.
func genNames(text *rapid.Generator[string], most int) *rapid.Generator[[]string] {
	return rapid.Custom(func(t *rapid.T) []string {
		set := make(map[string]bool)
		for range rapid.IntRange(0, most).Draw(t, "n") {
			set[text.Draw(t, "name")] = true
		}
		return slices.Sorted(maps.Keys(set))
	})
}

func genValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		top := 7
		if depth == 0 {
			top = 5
		}
		switch rapid.IntRange(0, top).Draw(t, "type") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Int64().Draw(t, "int")
		case 3, 4:
			return rapid.Float64().Draw(t, "float")
		case 5:
			return genUTF8().Draw(t, "text")
		case 6:
			return rapid.SliceOfN(genValue(depth-1), 0, 3).Draw(t, "list")
		}
		return rapid.MapOfN(genUTF8(), genValue(depth-1), 0, 3).Draw(t, "table")
	})
}

func genParams() *rapid.Generator[[]Param] {
	return rapid.Custom(func(t *rapid.T) []Param {
		var params []Param
		for _, k := range genNames(genText(), 3).Draw(t, "keys") {
			p := Param{Key: k}
			if k == "" || rapid.Bool().Draw(t, "in file") {
				p.File = genPath().Draw(t, "file")
			}
			p.Value, _ = Literal(genValue(2).Draw(t, "value"))
			params = append(params, p)
		}
		slices.SortFunc(params, compareParams)
		return params
	})
}

// genVariables returns variables that are set and the names of some that are
// not.
func genVariables(t *rapid.T) (set map[string]string, unset []string) {
	name := rapid.StringMatching(`[A-Z_é]{1,3}`)
	for _, n := range genNames(name, 4).Draw(t, "variables") {
		if rapid.Bool().Draw(t, "unset") {
			unset = append(unset, n)
			continue
		}
		if set == nil {
			set = make(map[string]string)
		}
		set[n] = genText().Draw(t, "value")
	}
	return set, unset
}

func genStage(name string) *rapid.Generator[*Stage] {
	return rapid.Custom(func(t *rapid.T) *Stage {
		s := &Stage{
			Name:        name,
			Fingerprint: hash.Fingerprint(genSum().Draw(t, "fingerprint")),
			How:         rapid.SampledFrom([]How{Executed, Restored, Committed, Imported}).Draw(t, "how"),
			Cmd:         genText().Draw(t, "cmd"),
			Shell:       rapid.SampledFrom([][]string{{"sh", "-e", "-c"}, {"bash", "-c"}, {`a"b`}}).Draw(t, "shell"),
			Wdir:        rapid.SampledFrom([]string{".", "sub/dir"}).Draw(t, "wdir"),
			Code:        genItems().Draw(t, "code"), Deps: genItems().Draw(t, "deps"), Calls: genItems().Draw(t, "calls"), Outs: genItems().Draw(t, "outs"),
			Commit:        rapid.SampledFrom([]string{"", "0123456789abcdef0123456789abcdef01234567"}).Draw(t, "commit"),
			Dirty:         rapid.Bool().Draw(t, "dirty"),
			Params:        genParams().Draw(t, "params"),
			Deterministic: rapid.SampledFrom([]string{"", "off", "on", "warn"}).Draw(t, "deterministic"),
			Threads:       rapid.IntRange(0, 4).Draw(t, "threads"),
		}
		s.Env, _ = genVariables(t)
		s.Pass, s.PassUnset = genVariables(t)
		if rapid.Bool().Draw(t, "seeded") {
			s.Seed = new(rapid.Int64().Draw(t, "seed"))
		}
		if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
			s.Fingerprint = hash.Fingerprint{}
			s.Conflicted = rapid.Bool().Draw(t, "conflicted")
		}
		return s
	})
}

func genEnvironment() *rapid.Generator[*Environment] {
	return rapid.Custom(func(t *rapid.T) *Environment {
		e := &Environment{
			OS:       rapid.SampledFrom([]string{"linux", "darwin"}).Draw(t, "os"),
			Arch:     "amd64",
			Python:   rapid.SampledFrom([]string{"", "cpython 3.11.7"}).Draw(t, "python"),
			Packages: genNames(rapid.StringMatching(`[ab]==[12]`), 3).Draw(t, "packages"),
		}
		if rapid.Bool().Draw(t, "is locked") {
			e.Locked = genSum().Draw(t, "locked")
		}
		return e
	})
}

func genOrigin() *rapid.Generator[Origin] {
	return rapid.Custom(func(t *rapid.T) Origin {
		o := Origin{Source: genText().Draw(t, "source")}
		switch {
		case o.Source == "":
		case rapid.Bool().Draw(t, "in a repository"):
			o.Path = genPath().Draw(t, "source path")
			o.Rev = genText().Draw(t, "rev")
			o.Commit = "0123456789abcdef0123456789abcdef01234567"
		default:
			o.Version = genText().Draw(t, "version")
		}
		return o
	})
}

func genFile() *rapid.Generator[*File] {
	return rapid.Custom(func(t *rapid.T) *File {
		f := New()
		for _, name := range genNames(rapid.SampledFrom([]string{"a", "b.c", "d@1-2", "é"}), 4).Draw(t, "stages") {
			s := genStage(name).Draw(t, "stage")
			if rapid.Bool().Draw(t, "with environment") {
				e := genEnvironment().Draw(t, "environment")
				s.Environment = e.Sum()
				f.Environments[s.Environment] = e
			}
			f.Stages[name] = s
		}
		for _, p := range genNames(genPath(), 3).Draw(t, "data") {
			f.Data[p] = &Data{
				Item: Item{p, genNode().Draw(t, "node")}, How: Committed,
				Origin: genOrigin().Draw(t, "origin"), Conflicted: rapid.Bool().Draw(t, "conflicted"),
			}
		}
		return f
	})
}
