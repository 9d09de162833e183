package track

import (
	"strconv"
	"strings"
)

// TraceMetricQuery asks for numbers about traces, by group.
type TraceMetricQuery struct {
	Experiments  []int64
	View         string // what is counted or measured: TRACES, SPANS or ASSESSMENTS
	Metric       string // such as "latency"
	Aggregations []Aggregation
	Dimensions   []string // what groups differ in, such as "trace_name"
	Filters      []string // of one comparison each, such as "trace.status = 'OK'"
	Interval     int64    // seconds; groups differ in the interval they are in, too, unless it is 0
	From, To     *int64   // times, included; nil for no bound
	Max          int      // groups in a page, at least 1
	PageToken    string
}

// Aggregation is what is made of the values of a group.
type Aggregation struct {
	Type       string  // COUNT, SUM, AVG, MIN, MAX or PERCENTILE
	Percentile float64 // from 0 to 100, of PERCENTILE
}

// String returns the name of the aggregation in answers, such as AVG or P99.9.
func (a Aggregation) String() string {
	if a.Type != "PERCENTILE" {
		return a.Type
	}
	text := strconv.FormatFloat(a.Percentile, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return "P" + text
}

// TimeBucket is the dimension that says which interval a group is in, by the time
// that it starts at.
const TimeBucket = "time_bucket"

// TraceMetricPoint is what a query has for one group.
type TraceMetricPoint struct {
	Dimensions []Tag
	Values     []AggregateValue // without aggregations that have none
}

// AggregateValue is what an aggregation made of a group.
type AggregateValue struct {
	Name  string
	Value float64
}
