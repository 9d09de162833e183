package sql

import (
	"encoding/json"

	"github.com/xtrepro/xt/track"
)

// The metadata of a trace that spans tell, too, and the one that says that a client
// has told of the whole trace.
const (
	usageKey     = "mlflow.trace.tokenUsage"
	sessionKey   = "mlflow.trace.session"
	userKey      = "mlflow.trace.user"
	finalizedKey = "mlflow.trace.infoFinalized"
)

// toldBy are the attributes of spans that say whose a trace is.
var toldBy = []struct{ metadata, attribute string }{
	{sessionKey, "session.id"}, {sessionKey, "gen_ai.conversation.id"}, {userKey, "user.id"},
}

// tellOfSpans sets the metadata of a trace that new spans of it tell. What is
// known stays, but tokens are counted again, unless a client has told them.
func (t *tx) tellOfSpans(row int64, spans []track.Span) error {
	told := map[string]string{}
	for i := range spans {
		for _, by := range toldBy {
			if text := plain(spans[i].Attribute(by.attribute)); text != "" && told[by.metadata] == "" {
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
	if counts && (known[finalizedKey] == "" || known[usageKey] == "") {
		all, err := t.spansOf(row)
		if err != nil {
			return err
		}
		told[usageKey] = track.TokenUsage(all)
		delete(known, usageKey)
	}
	var tags []track.Tag
	for key, value := range told {
		if known[key] == "" {
			tags = append(tags, track.Tag{Key: key, Value: value})
		}
	}
	return t.setTraceTags(row, 1, tags)
}

// plain returns what JSON says, if that is a text.
func plain(text string) string {
	var s string
	if json.Unmarshal([]byte(text), &s) == nil {
		return s
	}
	return text
}

func (c *conn) knownMetadata(row int64) (map[string]string, error) {
	known := map[string]string{}
	query := "SELECT key, value FROM trace_tags WHERE trace = ? AND metadata = 1 AND " + c.inTexts("key")
	err := c.each(query, []any{row, c.texts([]string{usageKey, sessionKey, userKey, finalizedKey})}, func(scan func(...any) error) error {
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
