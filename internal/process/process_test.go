package process

import (
	"os/exec"
	"testing"
)

func TestAlive(t *testing.T) {
	if !Alive(Self()) {
		t.Errorf("this process, %q, is not alive", Self())
	}
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	child := name(cmd.Process.Pid)
	if !Alive(child) {
		t.Errorf("%q is not alive", child)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, text := range []string{child, "", "x", "-1", "0", Self() + "1"} {
		if Alive(text) {
			t.Errorf("%q is alive", text)
		}
	}
}
