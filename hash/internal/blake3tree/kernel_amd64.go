package blake3tree

import "golang.org/x/sys/cpu"

//go:generate go run gen.go kernel_amd64.s

//go:noescape
func hash16AVX512(out, in *byte, counter uint64, s *shape)

//go:noescape
func hash8AVX512(out, in *byte, counter uint64, s *shape)

//go:noescape
func hash8AVX2(out, in *byte, counter uint64, s *shape)

// engines returns the sets of kernels that this processor and its operating
// system can run, best first; in each the widest kernel comes first.
func engines() [][]kernel {
	var all [][]kernel
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL {
		all = append(all, []kernel{{"avx512", 16, hash16AVX512}, {"avx512vl", 8, hash8AVX512}})
	}
	if cpu.X86.HasAVX2 {
		all = append(all, []kernel{{"avx2", 8, hash8AVX2}})
	}
	return append(all, portable)
}
