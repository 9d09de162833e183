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
	if err := w.bring(ctx, e.step.Entry.Deps); err != nil {
		return nil, err
	}
	e.traced = true
	if err := e.inRoom(ctx); err != nil {
		return nil, err
	}
	if outs, err = w.takeOuts(ctx, s, e.room.scan, w.takeOut); err != nil {
		return nil, err
	}
	if e.res.Kept, err = w.makeRoom(ctx, s); err != nil {
		return nil, err
	}
	return outs, e.room.deliver(ctx, s, outs)
}

// inRoom runs the command in a clean directory, which stands until leave.
func (e *execution) inRoom(ctx context.Context) error {
	w, s := e.w, e.step.Stage
	room, err := w.newRoom(ctx, e.step)
	if err != nil {
		return err
	}
	e.root, e.room = room.root, room
	if e.env, err = w.isolatedEnv(ctx, s); err != nil {
		return err
	}
	again := func() error { return room.clear(s) }
	if err := e.attempts(ctx, again); err != nil {
		return room.explain(e, err)
	}
	return w.pythonUnchanged(ctx, e.step)
}

// leave removes the clean directory, if there is one.
func (e *execution) leave() {
	if e.room != nil {
		e.room.remove()
	}
}
