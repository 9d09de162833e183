package mlflow

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

func (c *call) putEvaluationRecords() error {
	records, err := parseRecords(c.text("records"))
	if c.err != nil {
		return c.err
	}
	if err != nil {
		return err
	}
	inserted, updated, err := c.store.PutEvaluationRecords(c.ctx, c.text("dataset_id"), records)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.int("inserted_count", int64(inserted))
	c.out.int("updated_count", int64(updated))
	c.out.close()
	return nil
}

// parseRecords reads the JSON of a list of records.
func parseRecords(text string) ([]track.NewEvaluationRecord, error) {
	all := args{members: []member{{[]byte("records"), value(text)}}}
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "[") || !elements(value(text), func(value) {}) {
		return nil, badText("records", "a list of objects")
	}
	var records []track.NewEvaluationRecord
	all.each("records", func(a *args) {
		r, err := a.record()
		a.note(err)
		records = append(records, r)
	})
	return records, all.err
}

// record returns a record for evaluations.
func (a *args) record() (r track.NewEvaluationRecord, err error) {
	r.Inputs, r.Expectations, r.Tags = a.fields("inputs"), a.fields("expectations"), a.fields("tags")
	inputs := a.get("inputs")
	if inputs == nil {
		r.Inputs, inputs = track.Fields{}, value("{}") // what MLflow's server does without
	}
	digest := sha256.Sum256(appendCanonical(nil, inputs))
	r.InputsDigest = hex.EncodeToString(digest[:])
	for i := range a.members {
		if m := &a.members[i]; string(m.name) == "outputs" {
			text := string(m.value)
			r.OutputFields = nil
			switch {
			case m.value.isNull():
				text = ""
			case m.value[0] == '{':
				r.OutputFields = a.fields("outputs")
			}
			r.Outputs = &text
		}
	}
	for _, tag := range r.Tags {
		if tag.Name == userKey && tag.Value[0] == '"' {
			r.User = unquote(value(tag.Value).inner())
		}
	}
	r.Source, err = a.source()
	return r, err
}

// userKey is the tag that says who made something.
const userKey = "mlflow.user"

// fields returns the members of an object; nil without one.
func (a *args) fields(name string) track.Fields {
	if a.get(name) == nil {
		return nil
	}
	p := a.part(name)
	list := make(track.Fields, 0, len(p.members))
	for _, m := range p.members {
		list = append(list, track.Field{Name: unquote(m.name), Value: string(m.value)})
	}
	return list.Merge(nil) // of a name that is repeated, the last counts
}

// source returns where a record comes from.
func (a *args) source() (s track.EvaluationSource, err error) {
	if a.get("source") == nil {
		return s, nil
	}
	p := a.part("source")
	if s.Type, err = track.CheckSourceType(p.text("source_type")); err != nil {
		return s, err
	}
	key := "source_id"
	if s.Type == "TRACE" {
		key = "trace_id"
	}
	if s.Data = p.fields("source_data"); s.Data == nil {
		s.Data = track.Fields{}
	}
	for _, f := range s.Data {
		if f.Name == key && f.Value[0] == '"' {
			s.ID = unquote(value(f.Value).inner())
		}
	}
	a.note(p.err)
	return s, nil
}

// appendCanonical appends a value that was read in the one way in which all that
// mean the same to Python are written.
func appendCanonical(to []byte, v value) []byte {
	e := encoder{to}
	switch v[0] {
	case '{':
		members, _ := appendObject(nil, v)
		last := map[string]value{}
		for _, m := range members {
			last[unquote(m.name)] = m.value
		}
		names := make([]string, 0, len(last))
		for name := range last {
			names = append(names, name)
		}
		slices.Sort(names)
		e.b = append(e.b, '{')
		for _, name := range names {
			e.comma()
			e.text(name)
			e.b = appendCanonical(append(e.b, ':'), last[name])
		}
		e.b = append(e.b, '}')
	case '[':
		e.b = append(e.b, '[')
		elements(v, func(v value) { e.comma(); e.b = appendCanonical(e.b, v) })
		e.b = append(e.b, ']')
	case '"':
		e.text(unquote(v.inner()))
	default:
		e.b = appendNumber(e.b, v)
	}
	return e.b
}

// appendNumber appends a number, or a word. To Python 1.0 and 1e0 are one number,
// but 1 is another.
func appendNumber(to []byte, v value) []byte {
	if v.typeName() == "float" {
		if f, err := strconv.ParseFloat(string(v), 64); err == nil {
			return append(strconv.AppendFloat(to, f, 'g', -1, 64), 'f')
		}
	}
	if string(v) == "-0" {
		v = value("0")
	}
	return append(to, v...)
}

func (c *call) getEvaluationRecords() error {
	q := track.RecordQuery{Dataset: c.text("dataset_id"), Max: int(c.int("max_results", 0)), PageToken: c.text("page_token")}
	if q.Max == 0 {
		q.Max = 1000
	}
	if c.err != nil {
		return c.err
	}
	page, err := c.store.EvaluationRecords(c.ctx, q)
	if err != nil {
		return err
	}
	inner := encoder{b: []byte{'['}}
	for i := range page.Items {
		inner.record(&page.Items[i])
	}
	c.out.open()
	c.out.str("records", string(append(inner.b, ']')))
	c.out.set("next_page_token", page.Next)
	c.out.close()
	return nil
}

func (e *encoder) record(r *track.EvaluationRecord) {
	e.open()
	e.str("dataset_record_id", r.ID)
	e.str("dataset_id", r.Dataset)
	e.fields("inputs", r.Inputs)
	if r.Outputs != "" {
		e.raw("outputs", r.Outputs)
	}
	if r.Expectations != nil {
		e.fields("expectations", r.Expectations)
	}
	e.fields("tags", r.Tags)
	if r.Source.Type != "" {
		e.name("source")
		e.open()
		e.str("source_type", r.Source.Type)
		e.fields("source_data", r.Source.Data)
		e.close()
		e.set("source_id", r.Source.ID)
		e.str("source_type", r.Source.Type)
	}
	e.int("created_time", r.Created)
	e.int("last_update_time", r.Updated)
	e.set("created_by", r.CreatedBy)
	e.set("last_updated_by", r.UpdatedBy)
	e.close()
}

// fields writes an object, be it empty.
func (e *encoder) fields(name string, fields track.Fields) {
	e.name(name)
	e.b = append(e.b, '{')
	for _, f := range fields {
		e.comma()
		e.text(f.Name)
		e.b = append(append(e.b, ':'), f.Value...)
	}
	e.b = append(e.b, '}')
}

func (c *call) deleteEvaluationRecords() error {
	ids := c.texts("dataset_record_ids")
	if c.err != nil {
		return c.err
	}
	n, err := c.store.DeleteEvaluationRecords(c.ctx, c.text("dataset_id"), ids)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.int("deleted_count", int64(n))
	c.out.close()
	return nil
}
