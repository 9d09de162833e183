package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
)

// endedOf returns what a run is closed with after an execution.
func endedOf(o *pipeline.Outcome) *ended {
	e := &ended{entry: o.Entry, environment: o.Result.Step.Environment, metrics: o.Metrics, log: o.Result.Log, duration: o.Result.Duration, memory: o.Result.Memory,
		verdict: o.Verdict, outs: o.Outs, err: o.Err}
	if failed := new(pipeline.StageError); errors.As(o.Err, &failed) {
		e.code = failed.ExitCode
	}
	return e
}

// errorTag says why an execution failed.
const errorTag = "xt.error"

// memoryTag says how large, in bytes, the largest process of a command became.
const memoryTag = "xt.peak_memory_bytes"

// closing gathers what is to be said of a run at its end. e.log is where the output
// is kept then.
func (x *openRun) closing(e *ended) (track.RunEnd, error) {
	now := time.Now().UnixMilli()
	o := x.origin
	c := track.RunEnd{RunUpdate: track.RunUpdate{Status: statusOf(e), End: now}, Origin: &o, Batch: track.Batch{Metrics: metricsOf(e.metrics, now)}}
	if !e.entry.Fingerprint.IsZero() {
		o.Fingerprint = e.entry.Fingerprint.String() // recorded calls are in it, once they were made
	}
	o.Lock, o.ExitCode, o.Duration = lockText(e), e.code, e.duration.Milliseconds()
	sum, size, err := x.t.to.cache.PutFile(x.ctx, e.log)
	if err != nil {
		err = fmt.Errorf("keep its output: %w", err)
		e.log = ""
	} else {
		o.Log = sum.String()
		e.log = x.t.to.cache.Location(hash.Node{Kind: hash.File, Sum: sum, Size: size})
	}
	if e.memory > 0 {
		c.Batch.Tags = append(c.Batch.Tags, track.Tag{Key: memoryTag, Value: strconv.FormatInt(e.memory, 10)})
	}
	if e.verdict != "" {
		c.Batch.Tags = append(c.Batch.Tags, track.Tag{Key: verdictTag, Value: string(e.verdict)})
	}
	if text := differences(e.outs); text != "" {
		c.Batch.Tags = append(c.Batch.Tags, track.Tag{Key: differenceTag, Value: text})
	}
	if e.err != nil {
		c.Batch.Tags = append(c.Batch.Tags, track.Tag{Key: errorTag, Value: track.Clip(e.err.Error(), 1000)})
	}
	return c, err
}

// Tags of a verification: what came of it, and the first difference of each output
// that is not the same, a line for each.
const (
	verdictTag    = "xt.verdict"
	differenceTag = "xt.difference"
)

func differences(outs []pipeline.OutVerdict) string {
	var lines []string
	for i := range outs {
		if d := outs[i].Diffs; len(d) > 0 {
			lines = append(lines, track.Clip(diffWords(&outs[i], &d[0]), 400))
		}
	}
	return track.Clip(strings.Join(lines, "\n"), 4000)
}

// end closes the run and returns its number.
func (x *openRun) end(e *ended) (string, error) {
	x.t.endpoint.remove(x.token)
	c, logErr := x.closing(e)
	id, err := x.session.End(x.ctx, c)
	return id, errors.Join(logErr, err)
}

func statusOf(e *ended) track.Status {
	switch {
	case e.err == nil:
		return track.Finished
	case e.code > 128 || e.code < 0:
		return track.Killed
	}
	return track.Failed
}

// lockText returns what xt.lock says, or would say, of an execution. Outputs that were
// not made, or not kept, are left out.
func lockText(e *ended) string {
	f, entry := lock.New(), *e.entry
	entry.Outs = slices.DeleteFunc(slices.Clone(entry.Outs), func(it lock.Item) bool { return it.Node.IsZero() })
	f.Stages[entry.Name] = &entry
	if e.environment != nil {
		f.Environments[e.entry.Environment] = e.environment
	}
	return string(f.Encode())
}

// metricsOf returns the numbers of metrics files. A key that several files have
// is told apart by the file.
func metricsOf(values []pipeline.Value, now int64) []track.Metric {
	count := map[string]int{}
	for _, v := range values {
		count[v.Key]++
	}
	var ms []track.Metric
	for _, v := range values {
		f, ok := number(v.Val)
		if !ok {
			continue
		}
		key := v.Key
		if count[v.Key] > 1 || key == "" {
			key = strings.TrimSuffix(v.File+":"+v.Key, ":")
		}
		ms = append(ms, track.Metric{Key: track.CleanKey(key), Value: f, Time: now})
	}
	return ms
}
