package track

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what is logged, in characters where they are about text.
const (
	MaxBatchMetrics       = 1000
	MaxBatchParams        = 100
	MaxBatchTags          = 100
	MaxBatch              = 1000
	MaxKey                = 250
	MaxParamValue         = 6000 // longer ones are cut
	MaxTagValue           = 8000 // longer ones are cut
	MaxExperimentName     = 500
	MaxExperimentTagValue = 20000
	MaxRegistryTagValue   = 100_000
	MaxAlias              = 255
)

// CheckBatch returns the batch as it is to be stored: values that are too long
// are cut.
func CheckBatch(b Batch) (Batch, error) {
	for i := range b.Metrics {
		if err := checkMetric(&b.Metrics[i], fmt.Sprintf("metrics[%d].", i)); err != nil {
			return b, err
		}
	}
	params := make([]Param, len(b.Params))
	for i, p := range b.Params {
		var err error
		if params[i], err = checkParam(p, fmt.Sprintf("params[%d].", i)); err != nil {
			return b, err
		}
	}
	tags := make([]Tag, len(b.Tags))
	for i, t := range b.Tags {
		var err error
		if tags[i], err = checkTag(t, fmt.Sprintf("tags[%d].", i)); err != nil {
			return b, err
		}
	}
	b.Params, b.Tags = params, tags
	if err := checkSizes(&b); err != nil {
		return b, err
	}
	return b, checkUnique(params)
}

func checkSizes(b *Batch) error {
	for _, l := range []struct {
		what    string
		max, is int
	}{
		{"metrics", MaxBatchMetrics, len(b.Metrics)},
		{"params", MaxBatchParams, len(b.Params)},
		{"tags", MaxBatchTags, len(b.Tags)},
		{"metrics, params, and tags", MaxBatch, len(b.Metrics) + len(b.Params) + len(b.Tags)},
	} {
		if l.is > l.max {
			return Errorf(InvalidParameter, "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.",
				l.max, l.what, l.is, l.what, l.what)
		}
	}
	return nil
}

func checkUnique(params []Param) error {
	seen, twice := map[string]bool{}, []string(nil)
	for _, p := range params {
		if seen[p.Key] {
			twice = append(twice, quote(p.Key))
		}
		seen[p.Key] = true
	}
	if twice == nil {
		return nil
	}
	return Errorf(InvalidParameter, "Duplicate parameter keys have been submitted: [%s]. Please ensure the request contains only one param value per param key.", strings.Join(twice, ", "))
}

// CheckMetric reports what is wrong with a point that is logged by itself.
func CheckMetric(m Metric) error { return checkMetric(&m, "") }

func checkMetric(m *Metric, at string) error {
	if err := checkName(m.Key, at+"name"); err != nil {
		return err
	}
	if m.Time < 0 {
		return invalidValue(at+"timestamp", m.Time, fmt.Sprintf("metric '%s' (value=%v). Timestamp must be a nonnegative long (64-bit integer) ", m.Key, m.Value))
	}
	return checkLength("Metric name", m.Key, MaxKey)
}

// CheckParam returns a parameter that is logged by itself as it is to be stored.
func CheckParam(p Param) (Param, error) { return checkParam(p, "") }

func checkParam(p Param, at string) (Param, error) {
	if err := checkName(p.Key, at+"key"); err != nil {
		return p, err
	}
	p.Value = cut(p.Value, MaxParamValue)
	return p, checkLength("Param key", p.Key, MaxKey)
}

// CheckTag returns a tag of a run that is set by itself as it is to be stored.
func CheckTag(t Tag) (Tag, error) { return checkTag(t, "") }

func checkTag(t Tag, at string) (Tag, error) {
	if err := checkName(t.Key, at+"key"); err != nil {
		return t, err
	}
	t.Value = cut(t.Value, MaxTagValue)
	return t, checkLength(at+"key", t.Key, MaxKey)
}

// CheckLimitedTag reports what is wrong with a tag whose value must not be
// longer than max.
func CheckLimitedTag(t Tag, max int) error {
	if err := checkName(t.Key, "key"); err != nil {
		return err
	}
	if err := checkLength("key", t.Key, MaxKey); err != nil {
		return err
	}
	return checkLength("value", t.Value, max)
}

// CheckExperimentName reports what is wrong with the name of an experiment.
func CheckExperimentName(name string) error {
	if name == "" {
		return Errorf(InvalidParameter, "Invalid experiment name: ''")
	}
	return checkLength("name", name, MaxExperimentName)
}

// CheckLocation reports what is wrong with where artifacts are to go.
func CheckLocation(uri string) error {
	if strings.HasPrefix(uri, "runs:") {
		return Errorf(InvalidParameter, "Artifact location cannot be a runs:/ URI. Given: '%s'", uri)
	}
	_, query, asks := strings.Cut(uri, "?")
	if strings.Contains(uri, "#") || asks && strings.HasPrefix(uri, artifactScheme) {
		return Errorf(InvalidParameter, "'artifact_location' URL can't include fragments or params.")
	}
	if plain, err := url.QueryUnescape(query); err != nil || strings.Contains(plain, "..") {
		return Errorf(InvalidParameter, "Invalid query string")
	}
	return nil
}

// JoinLocation puts names below where artifacts are to go. A query stays at the end,
// since clients have the options of a storage there.
func JoinLocation(uri string, names ...string) string {
	uri, query, asks := strings.Cut(uri, "?")
	uri = strings.TrimRight(uri, "/") + "/" + strings.Join(names, "/")
	if asks {
		uri += "?" + query
	}
	return uri
}

// CheckModelName reports what is wrong with the name of a registered model,
// which an argument gave.
func CheckModelName(name, argument string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return Errorf(InvalidParameter, "Missing value for required parameter '%s'.", argument)
	case strings.ContainsAny(name, "/:"):
		return Errorf(InvalidParameter, "Invalid model name '%s'. Names cannot contain '/' or ':'.", name)
	}
	return checkPathLike(name, "name")
}

// CheckLoggedModelName reports what is wrong with the name of a logged model;
// "" is right.
func CheckLoggedModelName(name string) error {
	if strings.ContainsAny(name, `/:.%"'`) {
		return Errorf(InvalidParameter, `Invalid model name (%s) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%%', '"', "'")`, quote(name))
	}
	return nil
}

// CheckAlias reports what is wrong with an alias that is to be set.
func CheckAlias(alias string) error {
	if alias == "" {
		return Errorf(InvalidParameter, "Registered model alias name cannot be empty.")
	}
	if strings.ContainsFunc(alias, func(r rune) bool { return !isWord(r) && r != '-' }) {
		return Errorf(InvalidParameter, "Invalid alias name: '%s'. Names may only contain alphanumerics, underscores (_), and dashes (-).", alias)
	}
	if err := checkLength("Registered model alias name", alias, MaxAlias); err != nil {
		return err
	}
	if strings.EqualFold(alias, "latest") {
		return Errorf(InvalidParameter, "'latest' alias name (case insensitive) is reserved.")
	}
	if digits := strings.TrimLeft(alias, "vV"); len(digits) == len(alias)-1 && digits != "" && strings.Trim(digits, "0123456789") == "" {
		return Errorf(InvalidParameter, "Version alias name '%s' is reserved.", alias)
	}
	return nil
}

// stages are the stages of a version of a registered model.
var stages = []string{"None", "Staging", "Production", "Archived"}

// CheckStage returns the stage that is written in any case.
func CheckStage(stage string) (string, error) {
	for _, s := range stages {
		if strings.EqualFold(s, stage) {
			return s, nil
		}
	}
	return "", Errorf(InvalidParameter, "Invalid Model Version stage: %s. Value must be one of %s.", stage, strings.Join(stages, ", "))
}

// CheckMax reports what is wrong with the number of results in a page.
func CheckMax(n, limit int) error {
	if n < 1 {
		return Errorf(InvalidParameter, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", n)
	}
	if n > limit {
		return Errorf(InvalidParameter, "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", n, limit)
	}
	return nil
}

func checkName(name, at string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return !isWord(r) && !strings.ContainsRune("/.- :", r) }) {
		return invalidValue(at, name, "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).")
	}
	return checkPathLike(name, at)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

func checkPathLike(name, at string) error {
	clean := path.Clean(name)
	if clean != name || clean == "." || strings.HasPrefix(clean, "..") || clean[0] == '/' {
		return invalidValue(at, name, "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to "+quote(clean))
	}
	return nil
}

func checkLength(what, text string, max int) error {
	if len(text) > max && utf8.RuneCountInString(text) > max {
		return Errorf(InvalidParameter, "'%s' exceeds the maximum length of %d characters", what, max)
	}
	return nil
}

func invalidValue(at string, value any, why string) error {
	b, _ := json.Marshal(value)
	return Errorf(InvalidParameter, "Invalid value %s for parameter '%s' supplied: %s", b, at, why)
}

// cut returns the first max characters of a text.
func cut(text string, max int) string {
	if len(text) <= max {
		return text
	}
	for i := range text {
		if max == 0 {
			return text[:i]
		}
		max--
	}
	return text
}

// quote writes a text as Python does, as clients expect it in messages.
func quote(s string) string {
	mark := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = `"`
	}
	return mark + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, mark, `\`+mark).Replace(s) + mark
}

// ParamsConflict is the error of a batch that would change parameters of a run
// from old to new.
func ParamsConflict(runID string, old, new []Param) error {
	items := make([]string, len(old))
	for i := range old {
		items[i] = fmt.Sprintf("{'key': %s, 'old_value': %s, 'new_value': %s}", quote(old[i].Key), quote(old[i].Value), quote(new[i].Value))
	}
	return Errorf(InvalidParameter, "Changing param values is not allowed. Params were already logged='[%s]' for run ID='%s'.", strings.Join(items, ", "), runID)
}

// CheckDatasetInput reports what is wrong with a dataset that a run used.
func CheckDatasetInput(in *DatasetInput) error {
	d := &in.Dataset
	for _, l := range []struct {
		what, text string
		max        int
	}{
		{"name", d.Name, 500}, {"digest", d.Digest, 36}, {"source", d.Source, 65535},
		{"schema", d.Schema, 1048575}, {"profile", d.Profile, 16777215},
	} {
		if err := checkLength(l.what, l.text, l.max); err != nil {
			return err
		}
	}
	for _, t := range in.Tags {
		if err := checkLength("key", t.Key, 255); err != nil {
			return err
		}
		if err := checkLength("value", t.Value, 500); err != nil {
			return err
		}
	}
	return nil
}
