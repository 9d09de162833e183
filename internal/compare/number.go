package compare

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number is one that is written in decimal: exact, however long.
type number struct {
	text   string
	neg    bool
	digits string  // without zeros at either end; "" is 0
	exp    int64   // the value is 0.digits times 10 to this
	word   float64 // NaN or infinite if so it is written, else 0
}

// parseNumber reads a number; false if the text is none. What begins with 0 like
// 007 is not taken for one: it may be a name.
func parseNumber(s string) (number, bool) {
	n := number{text: s}
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		n.neg, rest = rest[0] == '-', rest[1:]
	}
	if rest == "" {
		return n, false
	}
	if rest[0] != '.' && !isDigit(rest[0]) {
		return n, n.readWord(rest)
	}
	whole, rest := cutDigits(rest)
	if len(whole) > 1 && whole[0] == '0' {
		return n, false
	}
	fraction := ""
	if strings.HasPrefix(rest, ".") {
		fraction, rest = cutDigits(rest[1:])
	}
	if whole == "" && fraction == "" {
		return n, false
	}
	if rest != "" && !n.readExponent(rest) {
		return n, false
	}
	n.exp += int64(len(whole))
	digits := strings.TrimLeft(whole+fraction, "0")
	n.exp -= int64(len(whole) + len(fraction) - len(digits))
	if n.digits = strings.TrimRight(digits, "0"); n.digits == "" {
		n.exp = 0
	}
	return n, true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// cutDigits cuts the digits that s begins with.
func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func (n *number) readWord(s string) bool {
	switch strings.ToLower(s) {
	case "nan":
		n.word = math.NaN()
	case "inf", "infinity":
		n.word = math.Inf(1)
		if n.neg {
			n.word = math.Inf(-1)
		}
	default:
		return false
	}
	return true
}

// readExponent reads "e-5"; one of more digits than any number needs is refused.
func (n *number) readExponent(s string) bool {
	if s[0] != 'e' && s[0] != 'E' || len(s) < 2 || len(s) > 17 {
		return false
	}
	if sign := s[1] == '-' || s[1] == '+'; !isDigit(s[1]) && !(sign && len(s) > 2 && isDigit(s[2])) {
		return false
	}
	var err error
	n.exp, err = strconv.ParseInt(s[1:], 10, 64)
	return err == nil
}

// equal says whether two numbers are exactly the same.
func (n number) equal(m number) bool {
	if n.word != 0 || m.word != 0 {
		return n.word == m.word || n.word != n.word && m.word != m.word
	}
	return n.neg == m.neg && n.exp == m.exp && n.digits == m.digits
}

// float returns the nearest float64, which is infinite for what is too large.
func (n number) float() float64 {
	if n.word != 0 {
		return n.word
	}
	f, _ := strconv.ParseFloat(n.text, 64) // an error says that it is too large
	return f
}

// Integers of floats are exact below exactBelow; numbers longer than longest
// are not worth more than a float.
const (
	exactBelow = 1 << 53
	longest    = 400
)

// distance returns |n - m|; to the unit also for large integers.
func (n number) distance(m number) float64 {
	a, b := n.float(), m.float()
	large := max(math.Abs(a), math.Abs(b))
	if !(large >= exactBelow) || math.IsInf(large, 0) || len(n.text) > longest || len(m.text) > longest {
		return math.Abs(a - b)
	}
	const bits = 2048 // two finite float64, and all that lies between
	x, _, err := big.ParseFloat(n.text, 10, bits, big.ToNearestEven)
	if err != nil {
		return math.Abs(a - b)
	}
	y, _, err := big.ParseFloat(m.text, 10, bits, big.ToNearestEven)
	if err != nil {
		return math.Abs(a - b)
	}
	d, _ := x.Sub(x, y).Float64()
	return math.Abs(d)
}

// nearNumbers is near for numbers that are written in decimal.
func (t *tally) nearNumbers(want, got number) bool {
	return want.equal(got) || t.allows(want.float(), got.float(), want.distance(got))
}
