// Package keylock lets one at a time in for each key.
package keylock

import "sync"

// Locks are locks by key. The zero value is ready to be used.
type Locks[K comparable] struct {
	mu   sync.Mutex
	held map[K]*lock
}

type lock struct {
	sync.Mutex
	users int // who has it, and who waits for it
}

// Lock waits until nobody else has the key, and returns a function to release it.
func (l *Locks[K]) Lock(key K) (release func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[K]*lock{}
	}
	k := l.held[key]
	if k == nil {
		k = new(lock)
		l.held[key] = k
	}
	k.users++
	l.mu.Unlock()
	k.Lock()
	return func() {
		k.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if k.users--; k.users == 0 {
			delete(l.held, key)
		}
	}
}
