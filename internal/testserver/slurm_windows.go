package testserver

import "testing"

// Cluster is a Slurm cluster, of which there is none on Windows.
type Cluster struct{ Env []string }

// Slurm skips the test.
func Slurm(t testing.TB, _ int) *Cluster {
	t.Helper()
	t.Skip("Slurm is for Linux")
	return nil
}

// Start does nothing.
func (*Cluster) Start(string) {}

// Kill does nothing.
func (*Cluster) Kill(string) {}

// Spoil does nothing.
func (*Cluster) Spoil() {}

// Set does nothing.
func (*Cluster) Set(string, string) {}

// LimitsMemory returns false.
func LimitsMemory() bool { return false }

// Run does nothing.
func (*Cluster) Run(string, ...string) (string, error) { return "", nil }
