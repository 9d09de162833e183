package remote

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkPushSmall sends 10,000 files of 4 KiB to a folder.
func BenchmarkPushSmall(b *testing.B) {
	benchmarkPush(b, func(w *world) {
		for i := range 10_000 {
			w.write(fmt.Sprintf("data/%02d/%d", i%100, i), noise(uint64(i), 4096))
		}
	})
}

// BenchmarkPushBig sends a file of 512 MiB to a folder.
func BenchmarkPushBig(b *testing.B) {
	benchmarkPush(b, func(w *world) { w.write("data/big", noise(1, 512<<20)) })
}

func benchmarkPush(b *testing.B, fill func(w *world)) {
	w := newWorld(b)
	fill(w)
	want := Want{"data", w.add("data")}
	b.SetBytes(want.Node.Size)
	for b.Loop() {
		b.StopTimer()
		w.url = "file://" + b.TempDir()
		b.StartTimer()
		w.push(want)
	}
}

// BenchmarkFetchSmall brings 10,000 files of 4 KiB from a folder.
func BenchmarkFetchSmall(b *testing.B) {
	benchmarkFetch(b, func(w *world) {
		for i := range 10_000 {
			w.write(fmt.Sprintf("data/%02d/%d", i%100, i), noise(uint64(i), 4096))
		}
	})
}

// BenchmarkFetchBig brings a file of 512 MiB from a folder.
func BenchmarkFetchBig(b *testing.B) {
	benchmarkFetch(b, func(w *world) { w.write("data/big", noise(1, 512<<20)) })
}

func benchmarkFetch(b *testing.B, fill func(w *world)) {
	w := newWorld(b)
	fill(w)
	want := Want{"data", w.add("data")}
	w.push(want)
	b.SetBytes(want.Node.Size)
	for b.Loop() {
		b.StopTimer()
		w.clone()
		b.StartTimer()
		if _, err := w.open().Fetch(context.Background(), w.cache, []Want{want}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
