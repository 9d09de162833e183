package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/process"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
)

// A command may leave processes behind that log on: xt then hands the endpoint and
// the run over to an xt in the background, which closes the run when the last of
// them has ended.

// handover is what that xt has to know.
type handover struct {
	Root    string // of the project; "" outside
	Token   string
	Run     string
	Params  []track.Param
	Opened  []track.Opened
	Closing track.RunEnd
}

// left reports whether a command has left processes behind, which are given a
// moment to end.
func (x *openRun) left() bool {
	for range 5 {
		if !goesOn(x.session.Root) {
			return false
		}
		time.Sleep(60 * time.Millisecond)
	}
	return true
}

// goesOn reports whether a process of an execution is left.
func goesOn(run string) bool { return len(process.WithVariable("XT_RUN_ID="+run, nil)) > 0 }

// handOver starts an xt that goes on with the run. The endpoint is closed here
// first: what is opened meanwhile waits for the other one.
func (x *openRun) handOver(e *ended) error {
	listener, err := x.t.endpoint.file()
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := x.t.endpoint.close(); err != nil {
		return err
	}
	c, logErr := x.closing(e)
	h := &handover{Token: x.token, Run: x.session.Root, Params: x.session.Params, Opened: x.session.Opened(), Closing: c}
	if x.t.w != nil {
		h.Root = x.t.w.Root
	}
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return errors.Join(logErr, spawnRest(b, listener))
}

func spawnRest(h []byte, listener *os.File) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "run-rest")
	cmd.ExtraFiles = []*os.File{listener}
	detach(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = in.Write(h)
	return errors.Join(err, in.Close())
}

func (a *app) runRestCommand() *cli.Command {
	return &cli.Command{Name: "run-rest", Hidden: true, Usage: "go on with a run whose command has left processes behind: xt starts it itself", Action: a.runRest}
}

// runRest goes on with a run until none of its processes is left.
func (a *app) runRest(c *cli.Context) error {
	var h handover
	if err := json.NewDecoder(a.stdin).Decode(&h); err != nil {
		return usageErrorf("xt run-rest is for xt itself")
	}
	ctx := context.WithoutCancel(c.Context)
	var w *pipeline.Workspace
	if h.Root != "" {
		var err error
		if w, err = pipeline.Open(h.Root, pipeline.OpenOptions{Settings: readSettings}); err != nil {
			return err
		}
	}
	place, err := placeOfRuns(w)
	if err != nil {
		return err
	}
	store, err := place.open(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	l, err := net.FileListener(os.NewFile(3, "endpoint"))
	if err != nil {
		return err
	}
	session := &track.Session{Store: store, Root: h.Run, Params: h.Params}
	session.Resume(h.Opened)
	if err := store.SetTag(ctx, h.Run, track.Tag{Key: processTag, Value: processOf()}); err != nil {
		return err
	}
	e := newEndpoint(l)
	e.let(h.Token, session, modelsOf(w, store))
	for c.Context.Err() == nil && goesOn(h.Run) {
		time.Sleep(200 * time.Millisecond)
	}
	err = e.close()
	h.Closing.RunUpdate.End = time.Now().UnixMilli()
	_, closeErr := session.End(ctx, h.Closing)
	return errors.Join(err, closeErr)
}
