package track

import (
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	for in, want := range map[string]string{"": "", ".": "", "a": "a", "a/b c/é+": "a/b c/é+", "a/./b/": "a/b", "./a": "a", "a/.b/..c": "a/.b/..c", "a/b:c": "a/b:c"} {
		p, err := ParsePath(in)
		if p.String() != want || err != nil {
			t.Errorf("%q: %q, %v", in, p, err)
		}
	}
	for _, in := range []string{"..", "a/../b", "/a", "//a", "a//b", `a\b`, "a\x00", "a/..", "C:/x", "\xff", "/"} {
		if p, err := ParsePath(in); err == nil || CodeOf(err) != InvalidParameter || err.Error() != "Invalid path" {
			t.Errorf("%q: %q, %v", in, p, err)
		}
	}
}

// FuzzParsePath looks for paths that lead elsewhere, or that are not what they
// are read as.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "a/./b/", "C:/x", "a//b", ".a/..b"} {
		f.Add(s, "c/d")
	}
	f.Fuzz(func(t *testing.T, s, below string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		if again, err := ParsePath(p.String()); again != p || err != nil {
			t.Fatalf("%q is read as %q, then as %q, %v", s, p, again, err)
		}
		if inside := path.Join("/root", p.String()); inside != "/root" && !strings.HasPrefix(inside, "/root/") {
			t.Fatalf("%q leads to %q", s, inside)
		}
		q, err := p.Join(below)
		if err == nil && q != p && !p.IsZero() && !strings.HasPrefix(q.String(), p.String()+"/") {
			t.Fatalf("%q below %q is %q", below, p, q)
		}
	})
}

func TestArtifactPathOf(t *testing.T) {
	for in, want := range map[string]string{"mlflow-artifacts:/12/r/artifacts": "12/r/artifacts", "mlflow-artifacts://host:5/12/r": "12/r", "mlflow-artifacts:/": ""} {
		if p, ok := ArtifactPathOf(in); p.String() != want || !ok {
			t.Errorf("%s: %q, %t", in, p, ok)
		}
	}
	for _, in := range []string{"s3://b/x", "file:///x", "/x", "mlflow-artifacts:/../x"} {
		if p, ok := ArtifactPathOf(in); ok {
			t.Errorf("%s: %q", in, p)
		}
	}
}

func TestLater(t *testing.T) {
	nan := math.NaN()
	list := []Metric{{Step: -5, Time: 9, Value: 9}, {Value: -1}, {Value: 0}, {Value: nan}, {Value: 1}, {Value: math.Inf(1)}, {Time: 1, Value: -1}, {Step: 1}}
	for i := range list {
		for j := range list {
			if got := list[i].Later(&list[j]); got != (i > j) {
				t.Errorf("%v later than %v: %t", list[i], list[j], got)
			}
		}
	}
}

func TestChecks(t *testing.T) {
	for want, err := range map[string]error{
		`Invalid value "a;b" for parameter 'name' supplied: Names may only contain alphanumerics`: CheckMetric(Metric{Key: "a;b"}),
		`must not resolve to other names when treated as such. This name would resolve to 'a'`:    CheckMetric(Metric{Key: "a/"}),
		"'Metric name' exceeds the maximum length of 250 characters":                              CheckMetric(Metric{Key: strings.Repeat("é", 251)}),
		"Invalid experiment name: ''":                                                         CheckExperimentName(""),
		"'name' exceeds the maximum length of 500 characters":                                 CheckExperimentName(strings.Repeat("x", 501)),
		"Artifact location cannot be a runs:/ URI. Given: 'runs:/x'":                          CheckLocation("runs:/x"),
		"'artifact_location' URL can't include fragments or params.":                          CheckLocation("mlflow-artifacts:/a?b"),
		"Invalid query string":                                                                CheckLocation("s3://b?x=%2e%2e/y"),
		"Invalid model name 'a/b'. Names cannot contain '/' or ':'.":                          CheckModelName("a/b", "name"),
		"Missing value for required parameter 'new_name'.":                                    CheckModelName(" ", "new_name"),
		"Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer": CheckMax(0, 5),
		"Invalid value 6 for parameter 'max_results' supplied. It must be at most 5":          CheckMax(6, 5),
		"'digest' exceeds the maximum length of 36 characters":                                CheckDatasetInput(&DatasetInput{Dataset: Dataset{Digest: strings.Repeat("x", 37)}}),
		`[{'key': 'a', 'old_value': "it's", 'new_value': '\n'}]' for run ID='r'.`:             ParamsConflict("r", []Param{{"a", "it's"}}, []Param{{"a", "\n"}}),
		"Invalid experiment ID 'abc'. Experiment ID must be a valid integer.":                 func() error { _, err := ParseExperimentID("abc"); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || CodeOf(err) != InvalidParameter {
			t.Errorf("got %v, not %s", err, want)
		}
	}
	for i, err := range []error{
		CheckMetric(Metric{Key: "a/b c.d-e:f_é1", Step: -1}), CheckMetric(Metric{Key: strings.Repeat("é", 250)}), CheckLocation("s3://b/x"), CheckLocation("s3://b?region=x"),
		CheckModelName("a b", "name"), CheckLoggedModelName(""), CheckMax(5, 5), CheckAlias("v1a"), CheckAlias("a-b_c"),
	} {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestError(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("around: %w", &Error{Code: NotFound, Message: "gone", Err: cause})
	if CodeOf(err) != NotFound || !errors.Is(err, cause) || err.Error() != "around: gone: cause" || CodeOf(cause) != Internal || Unavailable.String() != "unavailable" {
		t.Errorf("%v", err)
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		id := NewRunID()
		if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
		if strings.Count(RandomName(), "-") != 2 {
			t.Fatal(RandomName())
		}
	}
}

// FuzzCleanKey wants keys that the rules take.
func FuzzCleanKey(f *testing.F) {
	for _, s := range []string{"a//b", "../x", "/a/", "a/./b", ".", "a b:c", "\xff\x00", strings.Repeat("x/", 200), "...", ". /."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key := CleanKey(s)
		if key == "" {
			return
		}
		if err := CheckMetric(Metric{Key: key}); err != nil {
			t.Errorf("%q becomes %q: %v", s, key, err)
		}
		if again := CleanKey(key); again != key {
			t.Errorf("%q becomes %q, then %q", s, key, again)
		}
	})
}

func TestJoinLocation(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"s3://b/x/": "s3://b/x/1/artifacts", "s3://b": "s3://b/1/artifacts", "mlflow-artifacts:/": "mlflow-artifacts:/1/artifacts",
		"azure://c/x/?region=y": "azure://c/x/1/artifacts?region=y", "azure://c?": "azure://c/1/artifacts?",
	} {
		if got := JoinLocation(in, "1", "artifacts"); got != want {
			t.Errorf("%s: %s, not %s", in, got, want)
		}
	}
}
