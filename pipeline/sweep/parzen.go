package sweep

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// parzen is a density over some parameters: a mixture of kernels, each a product
// of one for each parameter. The last kernel is the prior, which covers the
// whole range.
type parzen struct {
	dims       []dimension
	cumulative []float64 // weights of the kernels, summed up
	logWeight  []float64
}

// dimension is what the kernels of a mixture are in one parameter.
type dimension interface {
	// sample draws from a kernel.
	sample(rng *rand.Rand, kernel int) float64
	// add adds the logarithm of each kernel's density at a value.
	add(v float64, to []float64)
}

func newParzen(params []*Param, rows [][]float64, weights []float64) *parzen {
	weights = append(weights, 1)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	m := &parzen{}
	running := 0.0
	for _, w := range weights {
		running += w / sum
		m.cumulative = append(m.cumulative, running)
		m.logWeight = append(m.logWeight, math.Log(w/sum))
	}
	for k, p := range params {
		column := make([]float64, len(rows))
		for i, row := range rows {
			column[i] = row[k]
		}
		if p.Choices > 0 {
			m.dims = append(m.dims, newChoices(p, column))
		} else {
			m.dims = append(m.dims, newKernels(p, column))
		}
	}
	return m
}

// sample draws n points.
func (m *parzen) sample(rng *rand.Rand, n int) [][]float64 {
	points := make([][]float64, n)
	for i := range points {
		kernel, _ := slices.BinarySearch(m.cumulative, rng.Float64())
		kernel = min(kernel, len(m.cumulative)-1)
		for _, d := range m.dims {
			points[i] = append(points[i], d.sample(rng, kernel))
		}
	}
	return points
}

// logDensity returns the logarithm of the density at a point.
func (m *parzen) logDensity(point []float64) float64 {
	terms := slices.Clone(m.logWeight)
	for k, d := range m.dims {
		d.add(point[k], terms)
	}
	top := slices.Max(terms)
	if math.IsInf(top, -1) {
		return top
	}
	sum := 0.0
	for _, t := range terms {
		sum += math.Exp(t - top)
	}
	return top + math.Log(sum)
}

// choices are kernels over the values of a choice: what was observed has more
// weight than the rest, the more so the more was observed.
type choices struct {
	observed  []int // of each kernel but the prior
	n         int
	hit, miss float64
}

func newChoices(p *Param, column []float64) *choices {
	c := &choices{n: p.Choices}
	for _, v := range column {
		c.observed = append(c.observed, int(v))
	}
	share := 1 / float64(len(column)+1)
	total := 1 + share*float64(c.n)
	c.hit, c.miss = (1+share)/total, share/total
	return c
}

func (c *choices) sample(rng *rand.Rand, kernel int) float64 {
	u := rng.Float64()
	if kernel == len(c.observed) {
		return min(math.Floor(u*float64(c.n)), float64(c.n-1))
	}
	// The observed value's part comes first; the rest is shared by the others.
	o := c.observed[kernel]
	if u < c.hit || c.n == 1 {
		return float64(o)
	}
	k := min(int((u-c.hit)/c.miss), c.n-2)
	if k >= o {
		k++
	}
	return float64(k)
}

func (c *choices) add(v float64, to []float64) {
	hit, miss := math.Log(c.hit), math.Log(c.miss)
	for i, o := range c.observed {
		if o == int(v) {
			to[i] += hit
		} else {
			to[i] += miss
		}
	}
	to[len(to)-1] -= math.Log(float64(c.n))
}

// kernels are normal distributions cut off at the ends of a range; of a range
// with steps each value has what lies nearest to it.
type kernels struct {
	p         *Param
	low, high float64
	mean, dev []float64
	logMass   []float64 // of what lies between the ends
}

// newKernels gives each observation the distance to its farther neighbour as
// standard deviation, though no less than a part of the range that shrinks with
// the observations: the "magic clip" of the published algorithm.
func newKernels(p *Param, column []float64) *kernels {
	k := &kernels{p: p}
	k.low, k.high = p.bounds()
	width := k.high - k.low
	for _, v := range column {
		k.mean = append(k.mean, p.scale(v))
	}
	k.dev = deviations(k.mean, k.low, k.high)
	least := width / min(100, float64(len(column)+2))
	for i := range k.dev {
		k.dev[i] = min(max(k.dev[i], least), width)
	}
	k.mean, k.dev = append(k.mean, (k.low+k.high)/2), append(k.dev, width)
	for i := range k.mean {
		k.logMass = append(k.logMass, math.Log(normalMass((k.low-k.mean[i])/k.dev[i], (k.high-k.mean[i])/k.dev[i])))
	}
	return k
}

// deviations returns the distance of each mean to the farther of its neighbours.
// The ends of the range are neighbours only of a mean that has no other.
func deviations(means []float64, low, high float64) []float64 {
	order := make([]int, len(means))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(means[a], means[b]) })
	devs := make([]float64, len(means))
	for at, i := range order {
		before, after := means[i]-low, high-means[i]
		if at > 0 {
			before = means[i] - means[order[at-1]]
		}
		if at < len(order)-1 {
			after = means[order[at+1]] - means[i]
		}
		switch devs[i] = max(before, after); {
		case len(means) > 1 && at == 0:
			devs[i] = after
		case len(means) > 1 && at == len(order)-1:
			devs[i] = before
		}
	}
	return devs
}

func (k *kernels) sample(rng *rand.Rand, kernel int) float64 {
	mean, dev := k.mean[kernel], k.dev[kernel]
	if dev == 0 {
		return k.p.unscale(mean)
	}
	from, to := normalCDF((k.low-mean)/dev), normalCDF((k.high-mean)/dev)
	t := mean + dev*normalQuantile(from+rng.Float64()*(to-from))
	return k.p.unscale(min(max(t, k.low), k.high))
}

func (k *kernels) add(v float64, to []float64) {
	if k.low == k.high {
		return
	}
	if k.p.Step == 0 {
		t := k.p.scale(v)
		for i, mean := range k.mean {
			z := (t - mean) / k.dev[i]
			to[i] += -z*z/2 - math.Log(k.dev[i]) - k.logMass[i]
		}
		return
	}
	left, right := k.p.scale(v-k.p.Step/2), k.p.scale(v+k.p.Step/2)
	for i, mean := range k.mean {
		to[i] += math.Log(normalMass((left-mean)/k.dev[i], (right-mean)/k.dev[i])) - k.logMass[i]
	}
}

func normalCDF(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// normalMass returns how much of a normal distribution lies from a to b. In the
// tails it counts from the near end, where the difference is not lost.
func normalMass(a, b float64) float64 {
	if a > 0 {
		a, b = -b, -a
	}
	return normalCDF(b) - normalCDF(a)
}

// normalQuantile is the inverse of normalCDF.
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
