// Command clients sends requests of MLflow's API to a server, as many clients
// at a time, and says how many were answered in a second and how long they took.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is what to send.
type load struct {
	url     string
	http    *http.Client
	runs    []string
	request func(client, i int) (path, body string)
	count   bool
}

// result is what it cost, in seconds.
type result struct {
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	Rate     float64 `json:"rate"`
	P50      float64 `json:"p50"`
	P99      float64 `json:"p99"`
	Lost     int     `json:"lost"` // points that were answered for and are not there
}

func main() {
	l := new(load)
	flag.StringVar(&l.url, "url", "", "of the server")
	kind := flag.String("kind", "metric", "metric, batch, search or history")
	clients := flag.Int("clients", 1, "how many at a time")
	seconds := flag.Float64("seconds", 5, "how long")
	experiment := flag.String("experiment", "0", "for search: where")
	flag.BoolVar(&l.count, "count", false, "for metric: look afterwards whether all points are there")
	fill := flag.Int("fill", 0, "make so many runs first, and do nothing else")
	flag.Parse()
	l.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *clients, MaxConnsPerHost: *clients}, Timeout: 10 * time.Minute}
	if err := l.run(*kind, *experiment, *clients, *fill, time.Duration(*seconds*float64(time.Second))); err != nil {
		fmt.Fprintln(os.Stderr, "clients:", err)
		os.Exit(4)
	}
}

func (l *load) run(kind, experiment string, clients, fill int, length time.Duration) error {
	if fill > 0 {
		return l.fill(experiment, fill)
	}
	for range clients {
		id, err := l.newRun(experiment)
		if err != nil {
			return err
		}
		l.runs = append(l.runs, id)
	}
	l.request = map[string]func(client, i int) (path, body string){
		"metric": func(c, i int) (string, string) {
			return "runs/log-metric", fmt.Sprintf(`{"run_uuid": "%s", "key": "loss", "value": %d.25, "timestamp": %d, "step": %d, "run_id": "%s"}`, l.runs[c], i, i, i, l.runs[c])
		},
		"batch": func(c, i int) (string, string) { return "runs/log-batch", batch(l.runs[c], i) },
		"search": func(int, int) (string, string) {
			return "runs/search", `{"experiment_ids": ["` + experiment + `"], "filter": "metrics.m > 3 and params.p = '7'", "max_results": 100, "order_by": ["metrics.m DESC"]}`
		},
	}[kind]
	if l.request == nil {
		return fmt.Errorf("there is no kind %q", kind)
	}
	r := l.hammer(clients, length)
	if l.count && kind == "metric" {
		there, err := l.points()
		if err != nil {
			return err
		}
		r.Lost = r.Requests - r.Failed - there
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// batch is a thousand points of ten metrics.
func batch(run string, i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"run_id": "%s", "metrics": [`, run)
	for k := range 1000 {
		if k > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"key": "m%d", "value": %d.5, "timestamp": %d, "step": %d}`, k%10, k, 1000*i+k, 100*i+k/10)
	}
	return b.String() + "]}"
}

// hammer has the clients send for a while.
func (l *load) hammer(clients int, length time.Duration) result {
	var failed atomic.Int64
	took := make([][]float64, clients)
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := 0; time.Since(begin) < length; i++ {
				path, body := l.request(c, i)
				at := time.Now()
				if _, err := l.post(path, body); err != nil {
					failed.Add(1)
				}
				took[c] = append(took[c], time.Since(at).Seconds())
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	return result{Requests: len(all), Failed: int(failed.Load()), Rate: float64(len(all)-int(failed.Load())) / time.Since(begin).Seconds(), P50: all[len(all)/2], P99: all[len(all)*99/100]}
}

// points returns how many points the runs have.
func (l *load) points() (n int, err error) {
	for _, run := range l.runs {
		b, err := l.get("metrics/get-history?metric_key=loss&run_id=" + run)
		if err != nil {
			return n, err
		}
		var answer struct{ Metrics []struct{ Step json.Number } }
		if err := json.Unmarshal(b, &answer); err != nil {
			return n, err
		}
		n += len(answer.Metrics)
	}
	return n, nil
}

// fill makes runs with a metric, two parameters and a tag.
func (l *load) fill(experiment string, n int) error {
	work := make(chan int)
	var wg sync.WaitGroup
	var failed atomic.Value
	for range 8 {
		wg.Go(func() {
			for i := range work {
				id, err := l.newRun(experiment)
				if err == nil {
					_, err = l.post("runs/log-batch", fmt.Sprintf(`{"run_id": "%s", "metrics": [{"key": "m", "value": %d.5, "timestamp": 1, "step": 0}], "params": [{"key": "p", "value": "%d"}, {"key": "q", "value": "%d"}], "tags": [{"key": "t", "value": "%d"}]}`, id, i%100, i%20, i, i%5))
				}
				if err != nil {
					failed.Store(err)
				}
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
	err, _ := failed.Load().(error)
	return err
}

func (l *load) newRun(experiment string) (string, error) {
	b, err := l.post("runs/create", `{"experiment_id": "`+experiment+`", "start_time": 1, "tags": []}`)
	var answer struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(b, &answer)
	}
	return answer.Run.Info.ID, err
}

func (l *load) get(path string) ([]byte, error) {
	resp, err := l.http.Get(l.url + "/api/2.0/mlflow/" + path)
	return read(path, resp, err)
}

func (l *load) post(path, body string) ([]byte, error) {
	resp, err := l.http.Post(l.url+"/api/2.0/mlflow/"+path, "application/json", bytes.NewReader([]byte(body)))
	return read(path, resp, err)
}

func read(path string, resp *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", path, resp.Status, b)
	}
	return b, err
}
