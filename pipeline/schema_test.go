package pipeline

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/xtrepro/xt/internal/tomldoc"
)

const schemaFile = "../docs/xt.schema.json"

// TestSchemaFile keeps the published schema as it is printed. UPDATE=1 rewrites
// it.
func TestSchemaFile(t *testing.T) {
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(schemaFile, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, Schema()) {
		t.Errorf("%s is not what Schema prints", schemaFile)
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("xt.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("xt.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate asks the schema what it thinks of a TOML text.
func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	var v map[string]any
	if _, err := toml.Decode(text, &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return schema.Validate(plain(v))
}

// plain turns lists of tables into lists of anything.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []map[string]any:
		l := make([]any, len(v))
		for i := range v {
			l[i] = plain(v[i])
		}
		return l
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

// TestSchemaExamples sets every key to its example: reader and schema both have
// to take it, and to refuse it under another name.
func TestSchemaExamples(t *testing.T) {
	schema := compileSchema(t)
	count := 0
	var walk func(s *shape, head string)
	walk = func(s *shape, head string) {
		for _, k := range s.keys {
			if k.shape.keys != nil && k.shape.example == "" {
				walk(k.shape, strings.TrimSuffix(head, "]\n")+dot(head)+k.name+"]\n")
			}
			if r := k.shape.rest; r != nil && r.keys != nil {
				walk(r, strings.TrimSuffix(head, "]\n")+dot(head)+k.name+".a]\n")
			}
			if k.shape.example == "" {
				continue
			}
			count++
			text := complete(head, s, k.name) + k.name + " = " + k.shape.example + "\n"
			if err := validate(t, schema, text); err != nil {
				t.Errorf("schema: %v in\n%s", err, text)
			}
			if got := shapeMistakes(t, text); got != "fine\n" {
				t.Errorf("reader: %s in\n%s", got, text)
			}
			if text = complete(head, s, k.name) + "x" + k.name + " = " + k.shape.example + "\n"; s.rest == nil && validate(t, schema, text) == nil {
				t.Errorf("schema takes\n%s", text)
			}
		}
	}
	walk(fileShape, "[")
	if count < 45 {
		t.Errorf("only %d keys", count)
	}
}

func dot(head string) string {
	if head == "[" {
		return ""
	}
	return "."
}

// complete writes the header and the other keys that a table needs.
func complete(head string, s *shape, but string) string {
	text := head
	for _, k := range s.keys {
		if k.required && k.name != but && k.shape.example != "" {
			text += k.name + " = " + k.shape.example + "\n"
		}
	}
	if strings.HasPrefix(head, "[stage.a.") {
		text = "[stage.a]\ncmd = \"x\"\n" + text
	}
	if head == "[sweep.a.params.a]\n" {
		text = "[sweep.a]\nstage = \"a\"\nobjective = \"m:x\"\n" + text
	} else if head == "[sweep.a]\n" {
		text += "params = {}\n"
	}
	return text
}

// shapeMistakes is what the reader says of the keys and types of a text, and
// nothing of its meaning.
func shapeMistakes(t *testing.T, text string) string {
	doc, cerr := readConfig(files{"xt.toml": text})
	if cerr != nil {
		t.Fatal(cerr)
	}
	rep := &report{}
	c := checker{doc: doc, rep: rep, bad: map[*tomldoc.Node]bool{}}
	c.check(doc.Root, fileShape, place{})
	return told(rep.err())
}

// TestSchemaAgrees asks both of every broken file of the tests: what the table
// of keys refuses, the schema has to refuse, and the other way round.
func TestSchemaAgrees(t *testing.T) {
	schema := compileSchema(t)
	for _, name := range []string{"keys", "types", "paths", "params", "matrix", "outputs", "graph", "remote", "sweep", "check", "executor"} {
		a, err := txtar.ParseFile("testdata/errors/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			var v map[string]any
			if _, err := toml.Decode(string(f.Data), &v); err != nil || !strings.HasSuffix(f.Name, "/xt.toml") {
				continue
			}
			if _, cerr := readConfig(files{"xt.toml": string(f.Data)}); cerr != nil {
				continue
			}
			reader := shapeMistakes(t, string(f.Data))
			if err := validate(t, schema, string(f.Data)); (err == nil) != (reader == "fine\n") {
				t.Errorf("%s/%s: schema says %v, the reader %s", name, f.Name, err, reader)
			}
		}
	}
}

// TestReference checks that the reference names every key, and that its example
// is a pipeline.
func TestReference(t *testing.T) {
	b, err := os.ReadFile("../docs/xt-toml.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(s *shape, where string)
	walk = func(s *shape, where string) {
		for _, k := range s.keys {
			if !bytes.Contains(b, []byte("`"+k.name+"`")) && !bytes.Contains(b, []byte(k.name+" = ")) && !bytes.Contains(b, []byte("["+k.name)) {
				t.Errorf("%s%s is not in the reference", where, k.name)
			}
			walk(k.shape, where+k.name+".")
			if k.shape.rest != nil {
				walk(k.shape.rest, where+k.name+".")
			}
		}
	}
	walk(fileShape, "")
	_, rest, _ := strings.Cut(string(b), "```toml\n")
	example, _, _ := strings.Cut(rest, "```")
	if g := load(t, files{"xt.toml": example}); len(g.Stages) != 4 {
		t.Errorf("the example has %d stages", len(g.Stages))
	}
	if err := validate(t, compileSchema(t), example); err != nil {
		t.Error(err)
	}
}
