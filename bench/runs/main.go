// Command runs fills a store with runs to look at: many small ones, and some called
// curve-0, curve-1 and so on with a long curve each. page.mjs measures the page over it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

var (
	runs   = flag.Int("runs", 100_000, "how many runs, with five parameters and five metrics each")
	curves = flag.Int("curves", 20, "how many runs with a long curve")
	points = flag.Int("points", 50_000, "how many points such a curve has")
)

const start = 1_700_000_000_000

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: runs [--runs N] [--curves N] [--points N] STORE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := fill(context.Background(), flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "runs:", err)
		os.Exit(1)
	}
}

func fill(ctx context.Context, url string) error {
	store, err := sql.Open(ctx, url, sql.Options{})
	if err != nil {
		return err
	}
	jobs := make(chan func() error)
	errs := make(chan error, 64)
	var wg sync.WaitGroup
	for range cap(errs) { // they share transactions
		wg.Go(func() {
			var err error
			for f := range jobs {
				err = errors.Join(err, f())
			}
			errs <- err
		})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range *runs {
		r, b := small(i, random)
		jobs <- func() error { return add(ctx, store, r, b) }
	}
	for i := range *curves {
		seed := random.Uint64()
		jobs <- func() error { return addCurve(ctx, store, i, rand.New(rand.NewPCG(seed, 0))) }
	}
	close(jobs)
	wg.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return errors.Join(err, store.Close())
}

// add adds a run that has ended.
func add(ctx context.Context, store track.Store, r track.NewRun, batches ...track.Batch) error {
	r.Status, r.User = track.Finished, "ada"
	run, err := store.CreateRun(ctx, r)
	for _, b := range batches {
		if err == nil {
			err = store.LogBatch(ctx, run.ID, b)
		}
	}
	return err
}

func small(i int, random *rand.Rand) (track.NewRun, track.Batch) {
	var b track.Batch
	for p := range 5 {
		b.Params = append(b.Params, track.Param{Key: fmt.Sprintf("p%d", p), Value: fmt.Sprint(random.IntN(10 * (p + 1)))})
		b.Metrics = append(b.Metrics, track.Metric{Key: fmt.Sprintf("m%d", p), Value: random.Float64(), Time: int64(start + i*1000)})
	}
	b.Tags = []track.Tag{{Key: "group", Value: fmt.Sprint(i % 100)}}
	return track.NewRun{Name: fmt.Sprintf("run-%d", i), Start: int64(start + i*1000)}, b
}

// addCurve adds a run with a curve that falls, is noisy, and has a peak here and there.
func addCurve(ctx context.Context, store track.Store, i int, random *rand.Rand) error {
	from := int64(start + (*runs+i)*1000)
	var batches []track.Batch
	for step := range *points {
		if step%1000 == 0 {
			batches = append(batches, track.Batch{})
		}
		value := math.Exp(-float64(step)/float64(*points)*3) + 0.05*random.NormFloat64()
		if random.IntN(10_000) == 0 {
			value += 5
		}
		b := &batches[len(batches)-1]
		b.Metrics = append(b.Metrics, track.Metric{Key: "loss", Value: value, Step: int64(step), Time: from + int64(step)*100})
	}
	return add(ctx, store, track.NewRun{Name: fmt.Sprintf("curve-%d", i), Start: from}, batches...)
}
