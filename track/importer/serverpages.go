package importer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// listing is a request for something that comes in pages.
type listing struct {
	path  string
	query url.Values     // unless there is a body
	body  map[string]any // makes it a POST
	key   string         // under which the answer has a list
}

// each calls f for all that is listed.
func each[T any](ctx context.Context, s *Server, l listing, f func(*T) error) error {
	return pages(func(token string) (next string, found int, err error) {
		var body any
		if l.body != nil {
			body = l.body
		}
		switch {
		case token == "":
		case body != nil:
			l.body["page_token"] = token
		default:
			l.query.Set("page_token", token)
		}
		var answer map[string]json.RawMessage
		if err := s.call(ctx, l.path, l.query, body, &answer); err != nil {
			return "", 0, err
		}
		var items []T
		for key, into := range map[string]any{l.key: &items, "next_page_token": &next} {
			if b := answer[key]; b == nil {
				continue
			} else if err := json.Unmarshal(b, into); err != nil {
				return "", 0, fmt.Errorf("ask %s%s: %w: %w", s.base, l.path, errAnswer, err)
			}
		}
		for i := range items {
			if err := f(&items[i]); err != nil {
				return "", 0, err
			}
		}
		return next, len(items), nil
	})
}

// pages calls ask with the token of each page, until there is none. It returns the
// next, and how much there was on the page.
func pages(ask func(token string) (next string, found int, err error)) error {
	seen, empty := map[string]bool{}, 0
	for token := ""; ; {
		next, found, err := ask(token)
		if err != nil || next == "" {
			return err
		}
		if empty++; found > 0 {
			empty = 0
		}
		if seen[next] || empty > maxEmpty {
			return fmt.Errorf("%w: it gives the same page again and again", errAnswer)
		}
		seen[next], token = true, next
	}
}

// query returns a query of keys and values.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}
