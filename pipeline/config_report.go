package pipeline

import (
	"cmp"
	"slices"
	"strings"
)

const (
	maxShown = 20   // mistakes that are told at once
	maxKept  = 1000 // mistakes after which the search is given up
)

// report collects mistakes. The same one is kept once, however many cells of a
// matrix have it.
type report struct {
	list []*ConfigError
	seen map[string]bool
}

// full reports whether so much is wrong that there is no use in going on.
func (r *report) full() bool { return len(r.list) >= maxKept }

func (r *report) add(e *ConfigError) {
	if r.full() {
		return
	}
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if text := e.Error(); !r.seen[text] {
		r.seen[text] = true
		r.list = append(r.list, e)
	}
}

// err returns nothing if nothing was added.
func (r *report) err() error {
	if len(r.list) == 0 {
		return nil
	}
	slices.SortStableFunc(r.list, func(a, b *ConfigError) int {
		// xt.toml comes first: what is wrong there often is why a file is wrong.
		return cmp.Or(
			compareBool(a.Pos.File != ConfigFile, b.Pos.File != ConfigFile),
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
		)
	})
	shown := r.list[:min(maxShown, len(r.list))]
	return &ConfigErrors{List: shown, More: len(r.list) - len(shown)}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// knownAre lists what there is, for a hint.
func knownAre(words []string) string {
	if len(words) == 1 {
		return "the only one is " + words[0]
	}
	return "known are " + some(words)
}

// some joins the first few words for a message.
func some(words []string) string {
	const few = 25
	if len(words) > few {
		return strings.Join(words[:few], ", ") + ", …"
	}
	return strings.Join(words, ", ")
}
