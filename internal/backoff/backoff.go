// Package backoff says how long to wait before something is tried again.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause returns how long to wait after a number of tries, at least one:
// exponentially longer from first to longest, and by chance, lest many clients
// come back at the same moment.
func Pause(tries int, first, longest time.Duration) time.Duration {
	d := min(first<<(tries-1), longest)
	return d/2 + rand.N(d/2)
}

// Sleep waits. The error is that of ctx, if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
