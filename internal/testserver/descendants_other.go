//go:build !linux

package testserver

func descendants(int) []int { return nil }

func freeze(int) {}
