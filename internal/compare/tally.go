package compare

import (
	"context"
	"fmt"
	"math"
)

// tally collects the differences between the values of two files.
type tally struct {
	ctx     context.Context
	tol     Tolerance
	hint    string // what may be behind other bytes with the same values
	prefix  string // of places: "array w1.npy, "
	count   int64  // of the values that differ by more than the tolerance
	largest float64

	where, want, got string // of the first
}

func newTally(ctx context.Context, tol Tolerance) *tally {
	return &tally{ctx: ctx, tol: tol, largest: math.NaN()}
}

// exact says that no number may differ.
func (t *tally) exact() bool { return t.tol == Tolerance{} }

// first counts a difference and says whether it is the first, which is to be
// said.
func (t *tally) first() bool {
	t.count++
	return t.count == 1
}

// say keeps the first difference.
func (t *tally) say(where, want, got string) {
	t.where, t.want, t.got = t.prefix+where, want, got
}

// differ counts a difference that is cheap to describe.
func (t *tally) differ(where, want, got string) {
	if t.first() {
		t.say(where, want, got)
	}
}

// result sums up the comparison of files whose bytes differ.
func (t *tally) result(p *pair) Result {
	switch {
	case t.count > 0:
		return Result{Differs, t.where, t.want, t.got, t.count, t.largest}
	case !t.exact():
		return Result{Verdict: Within, Largest: t.largest}
	}
	res := p.bytesDiffer()
	res.Where = fmt.Sprintf("the values are the same, but not the bytes: first difference at byte %d (%s)", p.diff.at, t.hint)
	return res
}

// near says whether a number is as the recorded one, and keeps how far it is
// from it. NaN is as NaN, and -0 as 0 if there is a tolerance.
func (t *tally) near(want, got float64) bool {
	if math.Float64bits(want) == math.Float64bits(got) || want != want && got != got {
		return true
	}
	return t.allows(want, got, math.Abs(want-got))
}

// allows says whether numbers that are not the same may be this far apart.
func (t *tally) allows(want, got, distance float64) bool {
	t.note(distance)
	switch {
	case t.exact(), math.IsInf(want, 0), math.IsInf(got, 0):
		return false
	case math.IsInf(distance, 0): // more than a float64 holds: take half of it all
		return math.Abs(want/2-got/2) <= t.tol.Abs/2+t.tol.Rel*math.Abs(want/2)
	}
	return distance <= t.tol.Abs+t.tol.Rel*math.Abs(want)
}

// note keeps a distance if it is the largest.
func (t *tally) note(distance float64) {
	if distance == distance && !(distance <= t.largest) {
		t.largest = distance
	}
}
