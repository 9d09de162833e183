package pipeline

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var durationPart = regexp.MustCompile(`([0-9.]+)(ms|s|m|h|d)`)

// parseDuration reads "90s", "1h30m" or "2d". It is false for anything else,
// and for what is longer than a [time.Duration].
func parseDuration(s string) (time.Duration, bool) {
	if !durationPattern.MatchString(s) {
		return 0, false
	}
	total := 0.0
	for _, m := range durationPart.FindAllStringSubmatch(s, -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, false
		}
		unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
		total += v * float64(unit)
	}
	d := time.Duration(total)
	return d, total > 0 && total < math.MaxInt64 && d > 0
}

// ParseSize reads a size in bytes, such as "16GiB", "500 MB" or "1000".
func ParseSize(s string) (int64, bool) { return parseMemory(s) }

// parseMemory reads "16GiB", "500 MB" or "16G", which is 16 GiB as schedulers
// have it, in bytes.
func parseMemory(s string) (int64, bool) {
	if !memoryPattern.MatchString(s) {
		return 0, false
	}
	n := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if n < 0 {
		n = len(s)
	}
	v, err := strconv.ParseFloat(s[:n], 64)
	unit := strings.TrimSpace(s[n:])
	base := 1024.0
	if len(unit) == 2 { // KB, not K or KiB
		base = 1000
	}
	if unit != "" {
		v *= math.Pow(base, float64(strings.IndexByte("BKMGT", unit[0])))
	}
	return int64(v), err == nil && v >= 1 && v < math.MaxInt64
}
