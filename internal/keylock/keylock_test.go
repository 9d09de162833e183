package keylock

import (
	"sync"
	"testing"
)

func TestLocks(t *testing.T) {
	var l Locks[string]
	counts := map[string]*int{"a": new(int), "b": new(int)}
	var wg sync.WaitGroup
	for i := range 200 {
		key := string("ab"[i%2])
		wg.Go(func() {
			defer l.Lock(key)()
			*counts[key]++ // the race detector would tell of two at once
		})
	}
	wg.Wait()
	if *counts["a"] != 100 || *counts["b"] != 100 {
		t.Errorf("%d and %d, want 100 each", *counts["a"], *counts["b"])
	}
	if len(l.held) != 0 {
		t.Errorf("%d keys are kept", len(l.held))
	}
	// One key does not wait for another.
	release := l.Lock("a")
	l.Lock("b")()
	release()
}
