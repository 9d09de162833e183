package sweep

import (
	_ "embed"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"
)

//go:embed joekuo.txt
var joeKuo string

// maxSobol is for how many parameters there are direction numbers.
const maxSobol = 512

// sobolBits is how many bits a coordinate has, and so the logarithm of how many
// points there are.
const sobolBits = 32

// sobol walks along a scrambled Sobol' sequence, whose points fill the space more
// evenly than random ones: each coordinate's direction numbers are multiplied
// by a random lower triangular matrix over the field of two elements (J. Matoušek,
// "On the L2-discrepancy for anchored boxes", 1998) and its points shifted by
// random bits.
type sobol struct {
	space *Space
	dirs  [][sobolBits]uint32
	shift []uint32
}

func newSobol(p *Problem) (*sobol, error) {
	if len(p.Space.Params) > maxSobol {
		return nil, fmt.Errorf("sobol searches at most %d parameters, and these are %d", maxSobol, len(p.Space.Params))
	}
	rng := p.rng(forSobol, 0)
	s := &sobol{space: p.Space}
	for i := range p.Space.Params {
		dirs, err := directions(i)
		if err != nil {
			return nil, err
		}
		s.dirs = append(s.dirs, scramble(dirs, rng))
		s.shift = append(s.shift, rng.Uint32())
	}
	return s, nil
}

// Propose implements Sampler.
func (s *sobol) Propose(n int, _ []Trial) (Point, bool) {
	if n>>sobolBits != 0 {
		return nil, false
	}
	gray := uint32(n ^ n>>1)
	return s.space.fill(func(i int) float64 {
		x := s.shift[i]
		for k := range bits.Len32(gray) {
			if gray>>k&1 != 0 {
				x ^= s.dirs[i][k]
			}
		}
		return s.space.Params[i].unit(float64(x) / (1 << sobolBits))
	}), true
}

// directions returns the direction numbers of a dimension, from 0 on.
func directions(dim int) (dirs [sobolBits]uint32, err error) {
	if dim == 0 {
		for k := range dirs {
			dirs[k] = 1 << (sobolBits - 1 - k)
		}
		return dirs, nil
	}
	degree, poly, m, err := joeKuoLine(dim + 1)
	if err != nil {
		return dirs, err
	}
	for k := range dirs {
		if k < degree {
			dirs[k] = m[k] << (sobolBits - 1 - k)
			continue
		}
		dirs[k] = dirs[k-degree] ^ dirs[k-degree]>>degree
		for j := 1; j < degree; j++ {
			if poly>>(degree-1-j)&1 != 0 {
				dirs[k] ^= dirs[k-j]
			}
		}
	}
	return dirs, nil
}

// joeKuoLine returns the primitive polynomial of a dimension, counted from 1, and
// the first direction numbers.
func joeKuoLine(dim int) (degree int, poly uint32, m []uint32, err error) {
	_, lines, _ := strings.Cut(joeKuo, "m_s\n")
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if fields[0] != strconv.Itoa(dim) {
			continue
		}
		for _, f := range fields[2:] {
			u, err := strconv.ParseUint(f, 10, 32)
			if err != nil {
				return 0, 0, nil, err
			}
			m = append(m, uint32(u))
		}
		return len(m) - 1, m[0], m[1:], nil
	}
	return 0, 0, nil, fmt.Errorf("no direction numbers for dimension %d", dim)
}

// scramble multiplies direction numbers by a random lower triangular matrix with
// ones on the diagonal.
func scramble(dirs [sobolBits]uint32, rng *rand.Rand) [sobolBits]uint32 {
	var out [sobolBits]uint32
	for row := range sobolBits {
		bit := sobolBits - 1 - row // rows from the most significant bit down
		mask := rng.Uint32()&^(1<<(bit+1)-1) | 1<<bit
		for k, d := range dirs {
			out[k] |= uint32(bits.OnesCount32(d&mask)&1) << bit
		}
	}
	return out
}
