package filter

import "github.com/xtrepro/xt/track"

// Grammar says what can be searched for in what.
type Grammar struct {
	kinds         map[string]Kind
	attributes    map[string]string // as it is written -> as it is meant
	orders        map[string]string // likewise, for keys to order by
	orderKinds    []Kind
	numeric       []string // attributes, as they are meant
	lists         []string // attributes that can be compared with a list; nil for all
	anyList       bool     // params and tags can, too
	quotedNumbers bool     // numeric attributes can be compared with texts
	wholeNumbers  bool     // numeric attributes can only be compared with those
	ops           map[Kind][]Op
	moves         map[string]move // attributes that are kept elsewhere

	// Formats of messages.
	badEntity, badAttribute, badOp, badNull, badText string
}

// move is where an attribute is kept.
type move struct {
	Kind Kind
	Key  string
}

var (
	texts       = []Op{NotEqual, Equal, Like, ILike}
	textsOrNull = []Op{NotEqual, Equal, Like, ILike, IsNull, IsNotNull}
	textsOrList = []Op{NotEqual, Equal, Like, ILike, In, NotIn}
	// MLflow's server compares these byte by byte, too.
	textsByOrder = []Op{NotEqual, Equal, Like, ILike, In, Less, LessEqual, Greater, GreaterEqual}
	patterns     = []Op{NotEqual, Equal, Like, ILike, RLike, IsNull, IsNotNull, In, NotIn}
)

// same maps each word to itself.
func same(words ...string) map[string]string {
	m := make(map[string]string, len(words))
	for _, w := range words {
		m[w] = w
	}
	return m
}

// with returns the map with pairs of words added.
func with(m map[string]string, pairs ...string) map[string]string {
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

const (
	badAttribute = "Invalid attribute key '%s' specified. Valid keys are '%s'"
	badText      = "Expected a quoted string value for attributes. Got value %s"
	badList      = "Expected a quoted string value or a list of quoted string values for attributes. Got value %s"
	badComparer  = "Invalid comparator '%s' not one of '%s'"
	fewEntities  = "Invalid entity type '%s'. Valid entity types are ('attribute', 'tag', 'tags')"
	onlyTags     = "IS NULL / IS NOT NULL is only supported for tags, not for %s '%s'"
)

// Runs is the grammar of searches for runs. Besides MLflow's it knows origin.
func Runs() *Grammar {
	return &Grammar{
		kinds: map[string]Kind{
			"metric": Metric, "metrics": Metric, "param": Param, "params": Param, "parameter": Param, "parameters": Param,
			"tag": Tag, "tags": Tag, "attribute": Attribute, "attributes": Attribute, "attr": Attribute, "run": Attribute,
			"dataset": Dataset, "datasets": Dataset, "origin": Origin,
		},
		attributes: with(same("run_id", "run_name", "user_id", "status", "artifact_uri", "start_time", "end_time"),
			"created", "start_time", "Created", "start_time", "run name", "run_name", "Run name", "run_name", "Run Name", "run_name"),
		orders: with(same("run_id", "run_name", "user_id", "status", "artifact_uri", "start_time", "end_time"),
			"created", "start_time", "Created", "start_time"),
		orderKinds: []Kind{Attribute, Metric, Param, Tag},
		numeric:    []string{"start_time", "end_time"},
		lists:      []string{"run_id"},
		ops: map[Kind][]Op{Metric: symbols, Param: textsOrNull, Tag: textsOrNull, Attribute: textsOrList,
			Dataset: textsOrList, Origin: textsOrList},
		badEntity:    "Invalid entity type '%s'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
		badAttribute: badAttribute, badOp: badComparer, badText: badText,
		badNull: "IS NULL / IS NOT NULL is only supported for tags and params, not for '%s' '%s'",
	}
}

// Experiments is the grammar of searches for experiments.
func Experiments() *Grammar {
	keys := same("name", "experiment_id", "creation_time", "last_update_time")
	return &Grammar{
		kinds:      map[string]Kind{"attribute": Attribute, "tag": Tag, "tags": Tag},
		attributes: keys, orders: keys, orderKinds: []Kind{Attribute},
		numeric: []string{"creation_time", "last_update_time"}, wholeNumbers: true,
		lists:     []string{"experiment_id"},
		ops:       map[Kind][]Op{Attribute: textsOrList, Tag: textsOrNull},
		badEntity: fewEntities, badAttribute: badAttribute, badOp: "Invalid comparator for KIND: %s", badText: badText, badNull: onlyTags,
	}
}

// RegisteredModels is the grammar of searches for registered models.
func RegisteredModels() *Grammar {
	return &Grammar{
		kinds:      map[string]Kind{"attribute": Attribute, "tag": Tag, "tags": Tag},
		attributes: same("name"), orderKinds: []Kind{Attribute},
		orders:    with(same("name", "last_updated_timestamp"), "timestamp", "last_updated_timestamp"),
		lists:     []string{"name"},
		ops:       map[Kind][]Op{Attribute: textsOrList, Tag: texts},
		badEntity: fewEntities, badAttribute: badAttribute, badOp: "Invalid comparator for KIND: %s", badText: badList, badNull: onlyTags,
	}
}

// ModelVersions is the grammar of searches for versions of registered models.
func ModelVersions() *Grammar {
	return &Grammar{
		kinds:      map[string]Kind{"attribute": Attribute, "tag": Tag, "tags": Tag},
		attributes: same("name", "version_number", "run_id", "source_path"), orderKinds: []Kind{Attribute},
		orders:  same("name", "version_number", "creation_timestamp", "last_updated_timestamp"),
		numeric: []string{"version_number"}, quotedNumbers: true, wholeNumbers: true,
		lists:     []string{"name", "run_id"},
		ops:       map[Kind][]Op{Attribute: textsOrList, Tag: texts},
		badEntity: fewEntities, badAttribute: badAttribute, badOp: "Invalid comparator for KIND: %s", badText: badList, badNull: onlyTags,
	}
}

// LoggedModels is the grammar of searches for logged models.
func LoggedModels() *Grammar {
	keys := with(same("name", "model_id", "model_type", "status", "source_run_id", "creation_timestamp", "last_updated_timestamp"),
		"creation_time", "creation_timestamp", "creation_timestamp_ms", "creation_timestamp",
		"last_updated_time", "last_updated_timestamp", "last_updated_timestamp_ms", "last_updated_timestamp")
	return &Grammar{
		kinds:      map[string]Kind{"attributes": Attribute, "metrics": Metric, "params": Param, "tags": Tag},
		attributes: keys, orders: keys, orderKinds: []Kind{Attribute, Metric},
		numeric: []string{"creation_timestamp", "last_updated_timestamp"}, anyList: true,
		ops:          map[Kind][]Op{Metric: symbols, Param: textsOrList, Tag: textsOrList, Attribute: textsOrList},
		badEntity:    "Invalid entity type: '%s'. Expected one of ['attributes', 'metrics', 'params', 'tags'].",
		badAttribute: badAttribute, badText: badText,
		badOp:   "Invalid comparison operator for KIND: '%s'. Expected one of %s.",
		badNull: "Invalid comparison with NULL of %s '%s'.",
	}
}

// EvaluationDatasets is the grammar of searches for datasets for evaluations.
func EvaluationDatasets() *Grammar {
	return &Grammar{
		kinds:      map[string]Kind{"tags": Tag},
		attributes: same("name", "created_time", "last_update_time", "created_by", "last_updated_by"),
		orders:     same("name", "created_time", "last_update_time"), orderKinds: []Kind{Attribute},
		numeric: []string{"created_time", "last_update_time"}, wholeNumbers: true,
		lists:     []string{"name"},
		ops:       map[Kind][]Op{Attribute: textsByOrder, Tag: texts},
		badEntity: "Invalid identifier token '%s' specified", badAttribute: badAttribute, badOp: "Invalid comparator for KIND: %s", badText: badText, badNull: onlyTags,
	}
}

// Traces is the grammar of searches for traces.
func Traces() *Grammar {
	keys := with(same("request_id", "timestamp_ms", "execution_time_ms", "end_time_ms", "status", "client_request_id", "name", "run_id", "prompt", "text"),
		"timestamp", "timestamp_ms", "execution_time", "execution_time_ms", "end_time", "end_time_ms")
	return &Grammar{
		kinds: map[string]Kind{
			"tag": Tag, "tags": Tag, "attribute": Attribute, "attributes": Attribute, "trace": Attribute,
			"request_metadata": Metadata, "metadata": Metadata, "span": Span, "feedback": Feedback, "expectation": Expectation, "issue": Issue,
		},
		attributes: keys,
		orders: with(same("experiment_id", "timestamp_ms", "execution_time_ms", "end_time_ms", "status", "request_id", "name", "run_id"),
			"timestamp", "timestamp_ms", "execution_time", "execution_time_ms", "end_time", "end_time_ms"),
		orderKinds: []Kind{Attribute, Tag, Metadata},
		numeric:    []string{"timestamp_ms", "execution_time_ms", "end_time_ms"},
		lists:      []string{"name", "status", "request_id", "run_id", "client_request_id"},
		moves: map[string]move{
			"name": {Tag, "mlflow.traceName"}, "prompt": {Tag, track.LinkedPromptsTag},
			"run_id": {Metadata, "mlflow.sourceRun"}, "text": {Span, "content"},
		},
		ops: map[Kind][]Op{
			Attribute: {NotEqual, Equal, In, NotIn, Like, ILike, RLike}, Tag: patterns, Metadata: patterns,
			Span:     {NotEqual, Equal, In, NotIn, Like, ILike, RLike},
			Feedback: append(patterns[:7:7], symbols...), Expectation: append(patterns[:7:7], symbols...), Issue: {Equal},
		},
		badEntity:    "Invalid entity type '%s'. Valid values are {'attribute', 'expectation', 'feedback', 'issue', 'metadata', 'request_metadata', 'span', 'tag', 'trace'}",
		badAttribute: badAttribute, badOp: badComparer, badText: badList,
		badNull: "IS NULL / IS NOT NULL is not supported for %s '%s'",
	}
}

// TraceMetrics is the grammar of what restricts metrics of traces. Keys are those of
// tags and metadata with a word before them, such as "tag.env", or words alone.
func TraceMetrics() *Grammar {
	equal := []Op{Equal}
	return &Grammar{
		kinds:     map[string]Kind{"trace": Metadata, "span": Span, "assessment": Feedback},
		ops:       map[Kind][]Op{Metadata: equal, Span: equal, Feedback: equal},
		badEntity: "Invalid view type '%s'. Valid values are ['trace', 'span', 'assessment']",
		badOp:     "Invalid comparator: '%s', only '=' operator is supported", badNull: "Invalid comparison with NULL of %s '%s', only '=' operator is supported",
		badAttribute: "Invalid identifier '%s'. Columns should be specified as 'trace.<key>', 'span.<key>', 'assessment.<key>'.",
	}
}
