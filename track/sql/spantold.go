package sql

import "github.com/xtrepro/xt/track"

// toldBy are the attributes of spans that say whose a trace is.
var toldBy = []struct{ metadata, attribute string }{
	{track.TraceSessionKey, "session.id"}, {track.TraceSessionKey, "gen_ai.conversation.id"}, {track.TraceUserKey, "user.id"},
}

// tellOfSpans sets the metadata of a trace that new spans of it tell. What is
// known stays, but tokens are counted again, unless a client has told them.
func (t *tx) tellOfSpans(row int64, spans []track.Span) error {
	told := map[string]string{}
	for i := range spans {
		for _, by := range toldBy {
			if text := spans[i].AttributeText(by.attribute); text != "" && told[by.metadata] == "" {
				told[by.metadata] = text
			}
		}
	}
	counts := track.TokenUsage(spans) != ""
	if !counts && len(told) == 0 {
		return nil
	}
	known, err := t.knownMetadata(row)
	if err != nil {
		return err
	}
	if counts && (known[track.TraceFinalizedKey] == "" || known[track.TraceUsageKey] == "") {
		all, err := t.spansOf(row)
		if err != nil {
			return err
		}
		told[track.TraceUsageKey] = track.TokenUsage(all)
		delete(known, track.TraceUsageKey)
	}
	var tags []track.Tag
	for key, value := range told {
		if known[key] == "" {
			tags = append(tags, track.Tag{Key: key, Value: value})
		}
	}
	return t.setTraceTags(row, 1, tags)
}

func (c *conn) knownMetadata(row int64) (map[string]string, error) {
	known := map[string]string{}
	query := "SELECT key, value FROM trace_tags WHERE trace = ? AND metadata = 1 AND " + c.inTexts("key")
	err := c.each(query, []any{row, c.texts([]string{track.TraceUsageKey, track.TraceSessionKey, track.TraceUserKey, track.TraceFinalizedKey})}, func(scan func(...any) error) error {
		var key, value string
		err := scan(&key, &value)
		known[key] = value
		return err
	})
	return known, err
}

// spansOf returns the spans of a trace, as far as they tell of tokens.
func (c *conn) spansOf(row int64) (spans []track.Span, err error) {
	err = c.each("SELECT span_id, parent, content FROM spans WHERE trace = ?", []any{row}, func(scan func(...any) error) error {
		var s track.Span
		err := scan(&s.ID, &s.Parent, &s.Content)
		spans = append(spans, s)
		return err
	})
	return spans, err
}
