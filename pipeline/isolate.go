package pipeline

import (
	"context"

	"github.com/xtrepro/xt/lock"
)

// apart runs the command in a clean directory that holds the stage's declared
// inputs and nothing else, and then brings the outputs into the workspace. A
// command that reads something undeclared fails there.
func (e *execution) apart(ctx context.Context) (outs []lock.Item, err error) {
	w, s := e.w, e.step.Stage
	room, err := w.newRoom(ctx, e.step)
	if err != nil {
		return nil, err
	}
	defer room.remove()
	e.root, e.room, e.traced = room.root, room, true
	if e.env, err = w.isolatedEnv(ctx, s); err != nil {
		return nil, err
	}
	again := func() error { return room.clear(s) }
	if err := e.attempts(ctx, again); err != nil {
		return nil, room.explain(e, err)
	}
	if err := w.pythonUnchanged(ctx, e.step); err != nil {
		return nil, err
	}
	if outs, err = w.takeOuts(ctx, s, room.scan); err != nil {
		return nil, err
	}
	if e.res.Kept, err = w.makeRoom(ctx, s); err != nil {
		return nil, err
	}
	return outs, room.deliver(ctx, s, outs)
}
