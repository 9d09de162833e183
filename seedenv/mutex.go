package seedenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockPoll is how often a process looks whether another is done.
const lockPoll = 100 * time.Millisecond

// lock waits until no other process holds the file at path, and holds it until
// unlock is called or this process ends, however it ends.
//
// Where held is not nil, a child that inherits it holds the lock too: if xt is
// killed, uv goes on writing for a while, and nobody else must write there then.
func (b *Builder) lock(ctx context.Context, path, what string) (held *os.File, unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, nil, err
	}
	for said := false; ; said = true {
		held, unlock, err = tryLock(path)
		if err != nil {
			return nil, nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if unlock != nil {
			return held, unlock, nil
		}
		if !said {
			b.say("waiting for another xt: %s", what)
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}
