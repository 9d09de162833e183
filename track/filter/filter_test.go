package filter

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/track"
)

func TestParse(t *testing.T) {
	for in, want := range map[string][]Clause{
		"":                   nil,
		"metrics.loss < 0.1": {{Kind: Metric, Key: "loss", Op: Less, Numeric: true, Number: 0.1}},
		"metric.a>=-1e3 and params.`my key`='it''s'": {
			{Kind: Metric, Key: "a", Op: GreaterEqual, Numeric: true, Number: -1000},
			{Kind: Param, Key: "my key", Op: Equal, Text: "it's"},
		},
		`tags."mlflow.parentRunId" = "x"`:                     {{Kind: Tag, Key: "mlflow.parentRunId", Op: Equal, Text: "x"}},
		"tag.mlflow.source.name like 'a%'":                    {{Kind: Tag, Key: "mlflow.source.name", Op: Like, Text: "a%"}},
		"run_id IN ('a', \"b\") AND status != 'FAILED'":       {{Op: In, Key: "run_id", List: []string{"a", "b"}}, {Op: NotEqual, Key: "status", Text: "FAILED"}},
		"attr.run_id NOT  IN ('a')":                           {{Op: NotIn, Key: "run_id", List: []string{"a"}}},
		"params.p IS NOT NULL AND tags.t is null":             {{Kind: Param, Key: "p", Op: IsNotNull}, {Kind: Tag, Key: "t", Op: IsNull}},
		"attributes.Created > 5":                              {{Key: "start_time", Op: Greater, Numeric: true, Number: 5}},
		"`Run name` = 'x'":                                    {{Key: "run_name", Op: Equal, Text: "x"}},
		"dataset.context IN ('train')":                        {{Kind: Dataset, Key: "context", Op: In, List: []string{"train"}}},
		"origin.stage = 'train';":                             {{Kind: Origin, Key: "stage", Op: Equal, Text: "train"}},
		"params.x ILIKE '%É%' AND tags.`a.b` RLIKE 'x' AND 1": nil, // an error, see below
	} {
		got, err := Runs().Parse(in)
		if d := cmp.Diff(want, got); d != "" || (err != nil) != strings.Contains(in, "RLIKE") {
			t.Errorf("%s: %v, %s", in, err, d)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"metrics.a > 1 or metrics.b > 2":         "Invalid clause(s) in filter string: 'or'",
		"(metrics.a > 1)":                        "Invalid clause(s) in filter string: '(metrics.a > 1)'",
		"something":                              "Invalid clause(s) in filter string: 'something'",
		"metrics.a > 1 AND":                      "Invalid clause(s) in filter string: 'AND'",
		"`metric.a >= 0.1":                       "Invalid clause(s) in filter string",
		"param`.model >= LR":                     "Invalid clause(s) in filter string",
		"1.0 > metrics.acc":                      "Expected 'Identifier' found '1.0'",
		"metric.acc = LR":                        "Expected numeric value type for metric. Found LR",
		"metrics.acc > 'x'":                      "Expected numeric value type for metric. Found 'x'",
		"metrics.acc LIKE 3":                     "Invalid comparator 'LIKE' not one of '{'=', '!=', '<', '<=', '>', '>='}'",
		"tags.acc = LR":                          "value is either not quoted or unidentified quote types used for string value LR",
		"params.acc = 3":                         "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 3",
		"attribute.status = true":                "Expected a quoted string value for attributes. Got value true",
		"attribute.experiment_id = '1'":          "Invalid attribute key 'experiment_id' specified. Valid keys are '{",
		"p.model = 'LR'":                         "Invalid entity type 'p'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
		"model = 'LR'":                           "Invalid attribute key 'model'",
		"start_time = 'x'":                       "Expected numeric value type for numeric attribute: start_time. Found 'x'",
		"params.a > '1'":                         "Invalid comparator '>' not one of",
		"metrics.a IS NULL":                      "IS NULL / IS NOT NULL is only supported for tags and params, not for 'metric' 'a'",
		"dataset.foo = 'x'":                      "Invalid dataset key 'foo' specified. Valid keys are",
		"metrics.a > 1; metrics.b > 2":           "Search filter contained multiple expression",
		"run_id IN ()":                           "expected a non-empty list of string values, but got empty list",
		"run_id IN (1, 2)":                       "but got different type in list",
		"run_id IN ('a' 'b')":                    "but got ill-formed list",
		"run_id IN ('a'":                         "Invalid clause(s) in filter string",
		"params.a = 'unclosed":                   "Invalid clause(s) in filter string: 'params.a = 'unclosed'",
		"tags.x IN ('a')":                        "Expected a quoted string value for tag",
		"tags.`mlflow.x` RLIKE 'x'":              "Invalid comparator 'RLIKE'",
		"metrics.a = 1 metrics.b = 2":            "Invalid clause(s) in filter string: 'metrics.b'",
		"metrics.a == 1":                         "Invalid comparator '=='",
		"params.a =":                             "Invalid clause(s) in filter string: 'params.a ='",
		"NOT params.a = 'x'":                     "Invalid clause(s) in filter string: 'NOT'",
		"metrics.a <> 1 AND params.b LIKE 'x%' ": "Invalid comparator '<>'",
	} {
		_, err := Runs().Parse(in)
		if err == nil || !strings.Contains(err.Error(), want) || track.CodeOf(err) != track.InvalidParameter {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestGrammars(t *testing.T) {
	for _, c := range []struct {
		grammar  *Grammar
		in, want string // an error, or "" for none
	}{
		{Experiments(), "name LIKE 'a%' AND tags.x IS NULL AND creation_time > 5", ""},
		{Experiments(), "experiment_id IN ('1', '2')", ""},
		{Experiments(), "name IN ('a')", "Only ['experiment_id'] attributes support comparison with a list"},
		{Experiments(), "params.x = 'a'", "Invalid entity type 'params'. Valid entity types are ('attribute', 'tag', 'tags')"},
		{Experiments(), "creation_time = 1.5", "Invalid value for numeric attribute 'creation_time': '1.5'"},
		{RegisteredModels(), "name = 'x' AND tags.`mlflow.prompt.is_prompt` != 'true'", ""},
		{RegisteredModels(), "name > 'x'", "Invalid comparator for attribute: >"},
		{RegisteredModels(), "version = 1", "Invalid attribute key 'version'"},
		{ModelVersions(), "name='a' and version_number >= 2 and run_id IN ('x')", ""},
		{ModelVersions(), "version_number = '2'", ""},
		{ModelVersions(), "version_number = 'x'", "Invalid value for numeric attribute 'version_number': 'x'"},
		{ModelVersions(), "name = 3", "attributes support comparison with numeric values"},
		{LoggedModels(), "metrics.acc > 0.9 AND params.a IN ('1') AND creation_time > 0 AND status = 'READY'", ""},
		{LoggedModels(), "tag.x = 'a'", "Invalid entity type: 'tag'. Expected one of ['attributes', 'metrics', 'params', 'tags']."},
		{EvaluationDatasets(), "name IN ('a', 'b') AND created_time >= 5 AND created_by != 'x' AND tags.`a b` ILIKE '%c%'", ""},
		{EvaluationDatasets(), "name > 'a' AND created_by <= 'b'", ""},
		{EvaluationDatasets(), "tags.a > 'b'", "Invalid comparator for tag: >"},
		{EvaluationDatasets(), "name NOT IN ('a')", "Invalid comparator for attribute: NOT IN"},
		{EvaluationDatasets(), "created_by IN ('a')", "Only ['name'] attributes support comparison with a list"},
		{EvaluationDatasets(), "created_time > 1.5", "Invalid value for numeric attribute 'created_time': '1.5'"},
		{EvaluationDatasets(), "tag.x = 'a'", "Invalid identifier token 'tag' specified"},
		{EvaluationDatasets(), "digest = 'a'", "Invalid attribute key 'digest'"},
		{Traces(), "trace.status = 'OK' AND timestamp > 1 AND tags.a RLIKE '^x' AND span.name IN ('a') AND feedback.ok = 'true' AND feedback.n > 0.5", ""},
		{Traces(), "run_id = 'x' AND name LIKE 'a' AND metadata.x IS NULL AND trace.text ILIKE '%x%'", ""},
		{Traces(), "prompt = 'qa/4' AND tags.`mlflow.linkedPrompts` IS NOT NULL", ""},
		{Traces(), "prompt LIKE '%qa%'", "Invalid comparator 'LIKE' for prompts filter. Only '=' is supported with format: prompt = \"name/version\""},
		{Traces(), "prompt != 'qa/4'", "Invalid comparator '!=' for prompts filter"},
		{Traces(), "prompt = 'qa'", "Invalid prompts filter value 'qa'. Expected format: prompt = \"name/version\""},
		{Traces(), "prompt = 'a/1/b'", "Invalid prompts filter value 'a/1/b'"},
		{Runs(), "tags.`mlflow.linkedPrompts` LIKE '%qa%'", ""},
		{Traces(), "span.nope = 'x'", "Invalid span attribute 'nope'"},
		{Traces(), "issue.x = 'a'", "Invalid issue key 'x'"},
		{Traces(), "feedback.n = 3", "Expected a quoted string value for feedback"},
	} {
		_, err := c.grammar.Parse(c.in)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.in, err)
		}
	}
}

func TestParseOrder(t *testing.T) {
	got, err := Runs().ParseOrder([]string{"metrics.`my loss` DESC", "created", `attribute."run_name" asc`})
	want := []Order{{Kind: Metric, Key: "my loss", Desc: true}, {Key: "start_time"}, {Key: "run_name"}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v, %s", err, d)
	}
	for in, want := range map[string]string{
		"metrics.x SIDEWAYS": "Invalid ordering key in order_by clause 'metrics.x SIDEWAYS'.",
		"metrics.x DESC y":   "Invalid order_by clause 'metrics.x DESC y'. Could not be parsed.",
		"":                   "Could not be parsed",
		"foo":                "Invalid attribute key 'foo' specified. Valid keys are '{",
		"dataset.name":       "Invalid order_by entity: dataset",
	} {
		if _, err := Runs().ParseOrder([]string{in}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", in, err)
		}
	}
	if _, err := Runs().ParseOrder([]string{"created", "start_time DESC"}); err == nil || !strings.Contains(err.Error(), "duplicate fields") {
		t.Errorf("twice: %v", err)
	}
	if got, err := RegisteredModels().ParseOrder([]string{"timestamp DESC"}); err != nil || got[0].Key != "last_updated_timestamp" {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzParse looks for filters that crash the parser, and for clauses that are
// not what a compiler may count on.
func FuzzParse(f *testing.F) {
	f.Add("metrics.a > 1 AND params.`b` = 'x' AND run_id IN ('a', 'b')")
	f.Add("tags.\"x\" IS NOT NULL AND attr.start_time <= -1.5e3;")
	f.Add("feedback.x >= 3 AND span.attributes.y RLIKE '^a' AND (")
	f.Fuzz(func(t *testing.T, in string) {
		for _, g := range []*Grammar{Runs(), Experiments(), RegisteredModels(), ModelVersions(), LoggedModels(), Traces(), EvaluationDatasets()} {
			clauses, err := g.Parse(in)
			if err != nil && track.CodeOf(err) != track.InvalidParameter {
				t.Fatal(err)
			}
			for _, c := range clauses {
				isList := c.Op == In || c.Op == NotIn
				if isList != (len(c.List) > 0) || c.Kind == Metric && !c.Numeric {
					t.Fatalf("%q: %+v", in, c)
				}
			}
			_, _ = g.ParseOrder([]string{in})
		}
	})
}
