package main

import "github.com/xrash/smetrics"

// nearest returns the name that word is most likely a slip for, or "".
func nearest(word string, names []string) string {
	best, dist := "", 1+len(word)/3
	for _, n := range names {
		if len(n) < 2 {
			continue
		}
		if d := smetrics.WagnerFischer(word, n, 1, 1, 1); d <= dist && d < len(n) {
			best, dist = n, d-1
		}
	}
	return best
}
