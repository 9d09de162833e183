package mlflow

import (
	"math"

	"github.com/xtrepro/xt/track"
)

// correlateTraces answers how much two filters find the same traces: by normalised
// pointwise mutual information, from -1, never, over 0, by chance, to 1, always.
func (c *call) correlateTraces() error {
	experiments, base := c.experiments("experiment_ids"), c.text("base_filter")
	first, second := c.text("filter_string1"), c.text("filter_string2")
	if c.err != nil {
		return c.err
	}
	var counts [4]int64
	for i, filters := range [][]string{{base}, {base, first}, {base, second}, {base, first, second}} {
		all := ""
		for _, f := range filters {
			if all != "" && f != "" {
				all += " AND "
			}
			all += f
		}
		var err error
		if counts[i], err = c.store.CountTraces(c.ctx, track.TraceSearch{Search: track.Search{Filter: all}, Experiments: experiments}); err != nil {
			return err
		}
	}
	total, a, b, both := counts[0], counts[1], counts[2], counts[3]
	plain, smooth := correlation(total, a, b, both, 0), correlation(total, a, b, both, 0.5)
	if both == 0 && !math.IsNaN(smooth) {
		plain = -1
	}
	c.out.open()
	c.out.float("npmi", plain)
	c.out.float("npmi_smoothed", smooth)
	c.out.int("filter1_count", a)
	c.out.int("filter2_count", b)
	c.out.int("joint_count", both)
	c.out.int("total_count", total)
	c.out.close()
	return nil
}

// correlation returns the normalised pointwise mutual information of two events that
// happened a and b times of total, and both times together. Each of the four cases
// counts as if it had happened more times than it did; NaN says that one never did.
func correlation(total, a, b, both int64, more float64) float64 {
	if a == 0 || b == 0 || min(a, b) < both || total-a-b+both < 0 {
		return math.NaN()
	}
	if a == both && b == both && both == total {
		return 1
	}
	n, joint := float64(total)+4*more, float64(both)+more
	if joint == 0 {
		return math.NaN()
	}
	information := math.Log(joint * n / ((float64(a) + 2*more) * (float64(b) + 2*more)))
	return max(-1, min(1, information/-math.Log(joint/n)))
}
