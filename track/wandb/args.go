package wandb

import (
	"encoding/json"
	"fmt"
)

// text returns an argument that is a text; "" if it is not given, or null.
func (a args) text(name string) string {
	s, _ := a[name].(string)
	return s
}

// texts returns an argument that is a list of texts, and whether it is given.
func (a args) texts(name string) ([]string, bool) {
	list, ok := a[name].([]any)
	if !ok {
		if s, ok := a[name].(string); ok {
			return []string{s}, true
		}
		return nil, false
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out, true
}

// int returns an argument that is a number, or else a default.
func (a args) int(name string, otherwise int64) int64 {
	switch v := a[name].(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
	}
	return otherwise
}

// flag returns an argument that is true or false.
func (a args) flag(name string) bool {
	b, _ := a[name].(bool)
	return b
}

// input returns the argument that holds those of a mutation.
func (a args) input() args {
	m, _ := a["input"].(map[string]any)
	return m
}

// page returns the part of a list that is asked for by first and after, as edges.
func page(a args, list []object) object {
	from := int(min(max(offsetOf(a.text("after")), 0), int64(len(list))))
	n := a.int("first", 50)
	if n <= 0 {
		n = 50
	}
	to := int(min(int64(from)+min(n, 10_000), int64(len(list))))
	edges := make([]object, 0, to-from)
	for i, o := range list[from:to] {
		edges = append(edges, object{"node": o, "cursor": fmt.Sprint(from + i + 1), "version": o["version"]})
	}
	info := object{"__typename": "PageInfo", "hasNextPage": to < len(list), "hasPreviousPage": from > 0, "startCursor": fmt.Sprint(from), "endCursor": nil}
	if to < len(list) {
		info["endCursor"] = fmt.Sprint(to)
	}
	return object{"edges": edges, "pageInfo": info, "totalCount": len(list)}
}

func offsetOf(cursor string) int64 {
	var n int64
	_, _ = fmt.Sscan(cursor, &n) // what is none is the beginning
	return n
}
