package sql

import (
	"database/sql"
	"errors"
	"sync"
)

// names remembers numbers of the table of that name. They never change once
// committed, so that it does not matter what other processes do.
type names struct {
	mu   sync.RWMutex
	ids  map[string]int64
	text map[int64]string
}

// maxNames bounds the memory.
const maxNames = 100_000

func newNames() *names { return &names{ids: map[string]int64{}, text: map[int64]string{}} }

func (n *names) id(name string) (int64, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.ids[name]
	return id, ok
}

func (n *names) add(more map[string]int64) {
	if len(more) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.ids) > maxNames {
		clear(n.ids)
		clear(n.text)
	}
	for name, id := range more {
		n.ids[name], n.text[id] = id, name
	}
}

// name returns the number of a name, and makes one if need be.
func (t *tx) name(name string) (int64, error) {
	if id, ok := t.store.names.id(name); ok {
		return id, nil
	}
	for _, known := range []map[string]int64{t.names, t.fresh} {
		if id, ok := known[name]; ok {
			return id, nil
		}
	}
	var id int64
	err := t.row("SELECT id FROM names WHERE name = ?", []any{name}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.row("INSERT INTO names (name) VALUES (?) RETURNING id", []any{name}, &id)
	}
	if err == nil {
		t.names[name] = id
	}
	return id, err
}

// nameID returns the number of a name; 0, which none has, if it has none.
func (s *Store) nameID(c *conn, name string) (int64, error) {
	if id, ok := s.names.id(name); ok {
		return id, nil
	}
	var id int64
	err := c.row("SELECT id FROM names WHERE name = ?", []any{name}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err == nil {
		s.names.add(map[string]int64{name: id})
	}
	return id, err
}

// nameTexts returns the names of numbers.
func (s *Store) nameTexts(c *conn, ids map[int64]bool) (map[int64]string, error) {
	texts, missing := map[int64]string{}, []int64(nil)
	s.names.mu.RLock()
	for id := range ids {
		if name, ok := s.names.text[id]; ok {
			texts[id] = name
		} else {
			missing = append(missing, id)
		}
	}
	s.names.mu.RUnlock()
	if missing == nil {
		return texts, nil
	}
	found := map[string]int64{}
	err := c.each("SELECT id, name FROM names WHERE "+c.inInts("id"), []any{c.ints(missing)}, func(scan func(...any) error) error {
		var id int64
		var name string
		err := scan(&id, &name)
		texts[id], found[name] = name, id
		return err
	})
	s.names.add(found)
	return texts, err
}
