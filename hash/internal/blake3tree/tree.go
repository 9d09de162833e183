package blake3tree

import "sync"

// Tree joins the segments of one input. It may be used by several goroutines
// at once, and the segments may come in any order. The zero Tree is ready.
//
// All segments but the last are added; the last one, which must not be empty
// unless the input is, completes the tree.
type Tree struct {
	mu sync.Mutex
	// lone are the subtrees whose siblings are not there yet: few, as long as
	// the segments come roughly in order.
	lone map[position]Value
}

// position is that of a subtree: level 0 is segments, and index counts from
// the left.
type position struct {
	level uint
	index int64
}

// Add adds segment number index, which is full and not the last, by its
// chaining value. Its parents are computed with h.
func (t *Tree) Add(h *Hasher, index int64, value Value) {
	at := position{index: index}
	for {
		sibling, ok := t.pair(at, value)
		if !ok {
			return
		}
		if at.index%2 == 0 {
			value = h.join(value, sibling, &parent)
		} else {
			value = h.join(sibling, value, &parent)
		}
		at = position{at.level + 1, at.index / 2}
	}
}

// pair takes the sibling of the subtree at a position out of the tree. If there
// is none yet, the subtree itself is left for it.
func (t *Tree) pair(at position, value Value) (sibling Value, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	other := position{at.level, at.index ^ 1}
	sibling, ok = t.lone[other]
	if ok {
		delete(t.lone, other)
		return sibling, true
	}
	if t.lone == nil {
		t.lone = make(map[position]Value)
	}
	t.lone[at] = value
	return sibling, false
}

// Sum returns the digest of the input whose last segment, number index, is p.
// All segments before it must have been added.
func (t *Tree) Sum(h *Hasher, index int64, p []byte) Value {
	if index == 0 {
		return h.Sum(p)
	}
	value := h.Segment(p, index)
	// What was added stands as one subtree for each bit of index, the smallest
	// on the right.
	for level := uint(0); index>>level > 0; level++ {
		left := index >> level
		if left%2 == 0 {
			continue
		}
		s := &parent
		if left == 1 {
			s = &rootParent
		}
		value = h.join(t.lone[position{level, left - 1}], value, s)
	}
	return value
}
