//go:build !windows

package testserver

import "testing"

func TestSlurm(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	c := Slurm(t, 2)
	c.Kill("n1")
	c.Start("n1")
	if out, err := c.Run("scontrol", "ping"); err != nil {
		t.Errorf("scontrol ping: %v: %s", err, out)
	}
}
