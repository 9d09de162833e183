//go:build !amd64

package blake3tree

// engines returns the sets of kernels that this processor can run.
func engines() [][]kernel { return [][]kernel{portable} }
