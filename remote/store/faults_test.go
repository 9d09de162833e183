package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/testserver"
)

// hasty is for tests in which waiting shows nothing.
func hasty() Options {
	return Options{sleep: func(context.Context, time.Duration) error { return nil }}
}

// serverSuite is what goes wrong with every server.
func serverSuite(t *testing.T, x target) {
	t.Run("Unreachable", func(t *testing.T) { testUnreachable(t, x) })
	t.Run("Restarted", func(t *testing.T) { testRestarted(t, x) })
	t.Run("KilledInPut", func(t *testing.T) { testKilledInPut(t, x) })
	t.Run("Cut", func(t *testing.T) { testCut(t, x) })
	t.Run("Reset", func(t *testing.T) { testReset(t, x) })
	t.Run("Stalled", func(t *testing.T) { testStalled(t, x) })
	t.Run("CancelledInPut", func(t *testing.T) { testCancelledInPut(t, x) })
}

func testUnreachable(t *testing.T, x target) {
	s := x.at("127.0.0.1:1").open(t, hasty())
	err := s.Put(t.Context(), "a", []byte("x"))
	show(t, "server not running", err)
	if kindOf(err) != Unreachable || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Put: %v", err)
	}
	if err := s.Read(t.Context(), "a", 0, make([]byte, 1)); kindOf(err) != Unreachable {
		t.Errorf("Read: %v", err)
	}
	for _, err := range s.List(t.Context(), "") {
		if kindOf(err) != Unreachable {
			t.Errorf("List: %v", err)
		}
	}
	if err := s.Delete(t.Context(), []string{"a"}); kindOf(err) != Unreachable {
		t.Errorf("Delete: %v", err)
	}
}

// A server that comes back within the tries is not noticed.
func testRestarted(t *testing.T, x target) {
	s := x.open(t, Options{})
	put(t, s, "restarted/it", []byte("before"))
	x.server.Stop()
	started := make(chan struct{})
	go func() {
		defer close(started)
		time.Sleep(time.Second)
		x.server.Start()
	}()
	got := make([]byte, 6)
	if err := s.Read(t.Context(), "restarted/it", 0, got); err != nil {
		select {
		case <-started:
			t.Fatal(err)
		default:
			t.Logf("it took longer to come back than the tries take: %v", err)
		}
		<-started
		got = read(t, s, "restarted/it", 6)
	}
	if string(got) != "before" {
		t.Errorf("it is %q", got)
	}
	<-started
	put(t, s, "restarted/it", []byte("after"))
}

// Whatever a kill of the server interrupts, the old blob or the new one is there.
func testKilledInPut(t *testing.T, x target) {
	before, after := random(2_000_000), bytes.Repeat([]byte("after"), 400_000)
	put(t, x.open(t, Options{}), "killed/it", before)
	proxy := testserver.Proxy(t, x.server.Addr)
	proxy.Add("bandwidth", "upstream", map[string]any{"rate": 4000}) // kB/s
	opts := hasty()
	var sent atomic.Int64
	half := make(chan struct{})
	opts.Sent = func(n int64) {
		if total := sent.Add(n); total > 1_000_000 && total-n <= 1_000_000 {
			close(half)
		}
	}
	s := x.at(proxy.Addr).open(t, opts)
	go func() {
		<-half
		x.server.Stop()
	}()
	err := s.Put(t.Context(), "killed/it", after)
	if err == nil {
		t.Error("it was stored")
	} else if k := kindOf(err); k != Temporary && k != Unreachable {
		t.Errorf("it is %v: %v", k, err)
	}
	show(t, "server killed", err)
	x.server.Start()
	again := x.open(t, Options{})
	if got := read(t, again, "killed/it", len(before)); !bytes.Equal(got, before) && !bytes.Equal(got, after) {
		t.Error("it is neither the old nor the new one")
	}
	if got := keysOf(list(t, again, "killed/")); len(got) != 1 {
		t.Errorf("there are %v", got)
	}
	sweep(t, again)
}

// sweep leaves nothing that a second one finds.
func sweep(t *testing.T, s Store) {
	t.Helper()
	sw, ok := s.(Sweeper)
	if !ok {
		return
	}
	if n, err := sw.Sweep(t.Context(), time.Hour); n != 0 || err != nil {
		t.Errorf("swept %d young ones, %v", n, err)
	}
	n, err := sw.Sweep(t.Context(), 0)
	t.Logf("swept %d", n)
	if err != nil {
		t.Error(err)
	}
	if n, err := sw.Sweep(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("swept %d more, %v", n, err)
	}
}

// A download whose connections break off again and again goes on where it was.
func testCut(t *testing.T, x target) {
	data := random(8_000_000)
	put(t, x.open(t, Options{}), "cut/it", data)
	proxy := testserver.Proxy(t, x.server.Addr)
	proxy.Add("limit_data", "downstream", map[string]any{"bytes": 1_500_000})
	opts := hasty()
	var received atomic.Int64
	opts.Received = func(n int64) { received.Add(n) }
	s := x.at(proxy.Addr).open(t, opts)
	got := make([]byte, len(data))
	if err := s.Read(t.Context(), "cut/it", 0, got); err != nil || !bytes.Equal(got, data) {
		t.Errorf("other bytes, or %v", err)
	}
	if n := received.Load(); n > 12_000_000 {
		t.Errorf("%d bytes came", n)
	}
}

func testReset(t *testing.T, x target) {
	proxy := testserver.Proxy(t, x.server.Addr)
	proxy.Add("reset_peer", "downstream", map[string]any{"timeout": 0})
	s := x.at(proxy.Addr).open(t, hasty())
	err := s.Put(t.Context(), "reset/it", random(100_000))
	show(t, "connections reset", err)
	if kindOf(err) != Temporary {
		t.Errorf("%v: %v", kindOf(err), err)
	}
	proxy.Remove("reset_peer")
	put(t, s, "reset/it", random(100_000))
}

func testStalled(t *testing.T, x target) {
	put(t, x.open(t, Options{}), "stalled/it", random(10))
	proxy := testserver.Proxy(t, x.server.Addr)
	opts := hasty()
	opts.stall = 300 * time.Millisecond
	s := x.at(proxy.Addr).open(t, opts)
	read(t, s, "stalled/it", 10)
	time.Sleep(2 * opts.stall) // idling is none
	read(t, s, "stalled/it", 10)

	// Slow is none either.
	proxy.Add("bandwidth", "downstream", map[string]any{"rate": 100})
	proxy.Add("latency", "upstream", map[string]any{"latency": 50})
	put(t, s, "stalled/slow", random(100_000))
	read(t, s, "stalled/slow", 100_000)
	proxy.Remove("bandwidth")
	proxy.Remove("latency")

	proxy.Add("timeout", "downstream", map[string]any{"timeout": 0})
	err := s.Read(t.Context(), "stalled/it", 0, make([]byte, 10))
	show(t, "silence", err)
	if kindOf(err) != Temporary || !errors.Is(err, errStalled) {
		t.Errorf("%v: %v", kindOf(err), err)
	}
	proxy.Remove("timeout")
	read(t, s, "stalled/it", 10)
}

func testCancelledInPut(t *testing.T, x target) {
	proxy := testserver.Proxy(t, x.server.Addr)
	proxy.Add("bandwidth", "upstream", map[string]any{"rate": 1000})
	ctx, cancel := context.WithCancel(t.Context())
	var sent atomic.Int64
	s := x.at(proxy.Addr).open(t, Options{Sent: func(n int64) {
		if sent.Add(n) > 500_000 {
			cancel()
		}
	}})
	begun := time.Now()
	if err := s.Put(ctx, "cancelled/half", random(20_000_000)); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	again := x.open(t, Options{})
	if _, err := again.Stat(t.Context(), "cancelled/half"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}

// cloudSuite is what goes wrong with what speaks HTTP.
func cloudSuite(t *testing.T, x target) {
	t.Run("NoBucket", func(t *testing.T) { testNoBucket(t, x) })
	t.Run("Statuses", func(t *testing.T) { testStatuses(t, x) })
	t.Run("Truncated", func(t *testing.T) { testTruncated(t, x) })
	t.Run("TooMuch", func(t *testing.T) { testTooMuch(t, x) })
	t.Run("NoServerOfItsSort", func(t *testing.T) { testOtherServer(t, x) })
}

func testNoBucket(t *testing.T, x target) {
	x = x.bucket("xt-missing")
	_, statErr := x.open(t, Options{}).Stat(t.Context(), "a")
	errs := map[string]error{
		"Stat":   statErr,
		"Read":   x.open(t, Options{}).Read(t.Context(), "a", 0, make([]byte, 1)),
		"Put":    x.open(t, Options{}).Put(t.Context(), "a", nil),
		"Create": x.open(t, Options{}).Create(t.Context(), "a", nil),
	}
	for _, err := range x.open(t, Options{}).List(t.Context(), "") {
		errs["List"] = err
	}
	for op, err := range errs {
		if kindOf(err) != NoBucket || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: (%v) %v", op, kindOf(err), err)
		}
	}
	show(t, "missing bucket", errs["Read"])
	show(t, "missing bucket", errs["Put"])
}

func testStatuses(t *testing.T, x target) {
	put(t, x.open(t, Options{}), "status/it", []byte("x"))
	fault := testserver.Faulty(t, x.server.Addr)
	s := x.at(fault.Addr).open(t, hasty())
	for _, status := range []int{429, 500, 502, 503} {
		var left atomic.Int64
		fault.Before(func(w http.ResponseWriter, _ *http.Request) bool {
			if left.Add(-1) < 0 {
				return false
			}
			w.WriteHeader(status)
			return true
		})
		left.Store(3) // fewer than the tries
		read(t, s, "status/it", 1)
		left.Store(3)
		put(t, s, "status/it", []byte("x"))
		left.Store(3)
		list(t, s, "status/")
		left.Store(1000)
		err := s.Read(t.Context(), "status/it", 0, make([]byte, 1))
		show(t, http.StatusText(status), err)
		if kindOf(err) != Temporary {
			t.Errorf("%v: %v", kindOf(err), err)
		}
		if used := 1000 - left.Load(); used != maxTries {
			t.Errorf("%d tries", used)
		}
	}
}

func testTruncated(t *testing.T, x target) {
	data := random(3_000_000)
	put(t, x.open(t, Options{}), "truncated/it", data)
	fault := testserver.Faulty(t, x.server.Addr)
	s := x.at(fault.Addr).open(t, hasty())
	fault.After(func(answer *http.Response) error {
		answer.Body = testserver.Truncate(answer.Body, 1_000_000)
		return nil
	})
	if got := read(t, s, "truncated/it", len(data)); !bytes.Equal(got, data) {
		t.Error("other bytes")
	}
	fault.After(func(answer *http.Response) error {
		answer.Body = testserver.Truncate(answer.Body, 0)
		return nil
	})
	err := s.Read(t.Context(), "truncated/it", 0, make([]byte, len(data)))
	show(t, "answers break off", err)
	if kindOf(err) != Temporary {
		t.Errorf("%v: %v", kindOf(err), err)
	}
	for _, err := range s.List(t.Context(), "truncated/") {
		if kindOf(err) != Temporary {
			t.Errorf("List: %v: %v", kindOf(err), err)
		}
	}
}

// What a server sends beyond what it was asked for changes nothing.
func testTooMuch(t *testing.T, x target) {
	put(t, x.open(t, Options{}), "much/it", []byte("0123456789"))
	fault := testserver.Faulty(t, x.server.Addr)
	s := x.at(fault.Addr).open(t, hasty())
	fault.After(func(answer *http.Response) error {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(answer.Body, strings.NewReader("more")), answer.Body}
		answer.ContentLength += 4
		answer.Header.Del("Content-Length")
		return nil
	})
	if got := read(t, s, "much/it", 5); string(got) != "01234" {
		t.Errorf("it is %q", got)
	}
}

func testOtherServer(t *testing.T, x target) {
	fault := testserver.Faulty(t, x.server.Addr)
	s := x.at(fault.Addr).open(t, hasty())
	fault.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = io.WriteString(w, "<html>Log in to the guests' network</html>")
		return true
	})
	var listErr error
	for _, listErr = range s.List(t.Context(), "") {
		break
	}
	_, statErr := s.Stat(t.Context(), "a")
	readErr := s.Read(t.Context(), "a", 0, make([]byte, 100))
	putErr := s.Put(t.Context(), "a", []byte("x"))
	show(t, "a web page in place of the store", listErr)
	for op, err := range map[string]error{"List": listErr, "Stat": statErr, "Read": readErr, "Put": putErr} {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", op, err)
		}
	}
}
