package main

import (
	"slices"
	"testing"
)

func TestAligned(t *testing.T) {
	got := aligned([][]string{{"run", "loss"}, {"损失函数", "1"}, {"e\u0301te\u0301", "2"}, {"👩‍🔬", "3"}})
	want := []string{"run       loss", "损失函数  1", "e\u0301te\u0301       2", "👩‍🔬        3"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := shorten("损失函数", 6); got != "损失…" {
		t.Errorf("shortened to %q", got)
	}
}
