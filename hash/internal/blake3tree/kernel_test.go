package blake3tree

import (
	"bytes"
	"fmt"
	"testing"
)

// TestKernels compares each kernel with the portable one, lane by lane, also
// where the counter needs its upper half: no test can hash 4 TiB.
func TestKernels(t *testing.T) {
	in := pattern(maxLanes * chunkSize)
	shapes := map[string]shape{"chunk": wholeChunk, "parent": parent, "root": rootParent}
	for _, n := range []int{0, 1, 63, 64, 65, 1000, 1024} {
		shapes[fmt.Sprintf("%d bytes", n)] = shortChunk(n, rootNode)
	}
	for _, kernels := range engines() {
		for _, k := range kernels {
			for name, s := range shapes {
				for _, counter := range []uint64{0, 5, 1<<32 - maxLanes, 1 << 32, 1<<54 - 32} {
					got := make([]byte, k.lanes*valueSize)
					k.hash(&got[0], &in[0], counter, &s)
					if want := oneByOne(k.lanes, in, counter, &s); !bytes.Equal(got, want) {
						t.Errorf("%s, %s, counter %#x:\n%x, want\n%x", k.name, name, counter, got, want)
					}
				}
			}
		}
	}
}

func oneByOne(lanes int, in []byte, counter uint64, s *shape) []byte {
	out := make([]byte, lanes*valueSize)
	for i := range lanes {
		hash1(&out[i*valueSize], &in[i*s.size()], counter+uint64(s.step[i]), s)
	}
	return out
}

// TestKernelsStayInBounds has the bytes behind the input and the output belong
// to something else.
func TestKernelsStayInBounds(t *testing.T) {
	for _, kernels := range engines() {
		for _, k := range kernels {
			in, out := fenced(t, k.lanes*chunkSize), fenced(t, k.lanes*valueSize)
			k.hash(&out[0], &in[0], 0, &wholeChunk)
		}
	}
}
