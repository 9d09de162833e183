//go:build linux

package seedenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBuildAfterAKill kills a build at its worst: xt is gone, and its uv still
// writes. The next build has to wait for that uv, and must not see its work.
func TestBuildAfterAKill(t *testing.T) {
	if dir := os.Getenv("XT_TEST_BUILD_IN"); dir != "" {
		b := &Builder{Dir: dir, Root: dir, Environ: os.Environ()}
		held, _, err := b.lock(t.Context(), filepath.Join(dir, "lock"), "test")
		if err != nil {
			t.Fatal(err)
		}
		_ = (&uv{b, filepath.Join(dir, "uv"), nil}).run(t.Context(), held)
		return
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "uv"), "#!/bin/sh\necho > "+dir+"/started\nsleep 0.5\necho > "+dir+"/done\n")
	child := exec.Command(os.Args[0], "-test.run=^TestBuildAfterAKill$")
	child.Env = append(os.Environ(), "XT_TEST_BUILD_IN="+dir)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
			break
		}
	}
	_ = child.Process.Kill()
	_ = child.Wait()

	log := new(strings.Builder)
	b := &Builder{Dir: dir, Root: dir, Log: log}
	_, unlock, err := b.lock(t.Context(), filepath.Join(dir, "lock"), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, "done")); err != nil || log.Len() == 0 {
		t.Errorf("the lock was free while the killed build's uv was at work: %v, log %q", err, log)
	}
}
