package sql

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
)

// childStore is the variable that makes the test binary a process that logs.
const childStore = "XT_TEST_CHILD_STORE"

func TestMain(m *testing.M) {
	if url := os.Getenv(childStore); url != "" {
		logForever(url, os.Args[len(os.Args)-1])
	}
	os.Exit(m.Run())
}

// logForever logs points with several goroutines, and prints each when it was
// answered.
func logForever(url, run string) {
	s, err := Open(context.Background(), url, Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var mu sync.Mutex
	for w := range 4 {
		go func() {
			for i := int64(0); ; i++ {
				m := track.Metric{Key: fmt.Sprintf("m%d", w), Step: i, Value: float64(i)}
				if err := s.LogMetric(context.Background(), run, m); err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(m.Key, m.Step)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestKill kills two processes that log to one store, and finds what they were
// told is there.
func TestKill(t *testing.T) {
	onEach(t, func(t *testing.T, stores newStores) {
		url := stores(t)
		s := open(t, url)
		var children []*exec.Cmd
		var runs []string
		var outs []io.ReadCloser
		for range 2 {
			run := newRun(t, s, track.NewRun{}).ID
			child := exec.Command(os.Args[0], run)
			child.Env = append(os.Environ(), childStore+"="+url)
			out, err := child.StdoutPipe()
			check(t, err)
			check(t, child.Start())
			t.Cleanup(func() { _ = child.Process.Kill() })
			children, runs, outs = append(children, child), append(runs, run), append(outs, out)
		}
		var wg sync.WaitGroup
		acknowledged := make([]map[string]bool, 2)
		for i, out := range outs {
			acknowledged[i] = map[string]bool{}
			wg.Go(func() {
				lines := bufio.NewScanner(out)
				for lines.Scan() {
					acknowledged[i][lines.Text()] = true
					if len(acknowledged[i]) == 300 {
						_ = children[i].Process.Kill()
					}
				}
			})
		}
		wg.Wait()
		for i, run := range runs {
			_ = children[i].Wait() // it was killed
			if len(acknowledged[i]) < 300 {
				t.Fatalf("child %d: %v", i, acknowledged[i])
			}
			for w := range 4 {
				key := fmt.Sprintf("m%d", w)
				for _, m := range must[track.Page[track.Metric]](t)(s.MetricHistory(t.Context(), track.HistoryQuery{RunID: run, Key: key})).Items {
					delete(acknowledged[i], fmt.Sprint(key, " ", m.Step))
				}
			}
			if len(acknowledged[i]) > 0 {
				t.Errorf("lost: %v", acknowledged[i])
			}
			check(t, s.LogMetric(t.Context(), run, track.Metric{Key: "after"}))
		}
	})
}

// TestRestart kills PostgreSQL again and again while runs are logged: what may
// be repeated is, and what was answered is there.
func TestRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	server := testserver.Postgres(t)
	s := open(t, server.URL)
	id := newRun(t, s, track.NewRun{}).ID
	var stop atomic.Bool
	var wg sync.WaitGroup
	var written [4]int64
	for w := range written {
		wg.Go(func() {
			for i := int64(0); !stop.Load(); i++ {
				if err := s.LogMetric(t.Context(), id, track.Metric{Key: fmt.Sprintf("m%d", w), Step: i}); err != nil {
					t.Errorf("%d: %v", i, err)
					return
				}
				written[w] = i + 1
			}
		})
	}
	for range 3 {
		time.Sleep(100 * time.Millisecond)
		server.Stop()
		time.Sleep(50 * time.Millisecond)
		server.Start()
	}
	time.Sleep(300 * time.Millisecond)
	stop.Store(true)
	wg.Wait()
	for w, n := range written {
		page := must[track.Page[track.Metric]](t)(s.MetricHistory(t.Context(), track.HistoryQuery{RunID: id, Key: fmt.Sprintf("m%d", w)}))
		if int64(len(page.Items)) != n || n == 0 {
			t.Errorf("m%d: %d points of %d", w, len(page.Items), n)
		}
	}
	server.Stop()
	_, err := s.Run(t.Context(), id)
	wantError(t, err, track.Unavailable, "the database of runs does not answer")
	if strings.Contains(err.Error(), "xt:") {
		t.Errorf("it tells: %v", err)
	}
	server.Start()
	check(t, s.Ping(t.Context()))
	check(t, s.LogMetric(t.Context(), id, track.Metric{Key: "after"}))
}
