package term

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Progress counts files and bytes of one piece of long work and shows them:
// ten times a second on a terminal, every ten seconds elsewhere. Work that is
// done sooner than half a second shows nothing.
type Progress struct {
	t     *Terminal
	label string
	total int64 // bytes; 0 if not known
	start time.Time
	files atomic.Int64
	bytes atomic.Int64
	stop  chan struct{}
	done  sync.WaitGroup
}

// Start begins to show progress under label. total is the number of bytes to
// come, 0 if that is not known. The caller must call [Progress.Done].
func (t *Terminal) Start(label string, total int64) *Progress {
	p := &Progress{t: t, label: label, total: total, start: time.Now(), stop: make(chan struct{})}
	if t.Quiet {
		return p
	}
	p.done.Add(1)
	go p.show(p.stop)
	return p
}

// Add counts one more file of the given size. It may be called concurrently.
func (p *Progress) Add(bytes int64) {
	p.files.Add(1)
	p.bytes.Add(bytes)
}

// Done ends the display. Further calls do nothing.
func (p *Progress) Done() {
	if p.stop == nil {
		return
	}
	close(p.stop)
	p.stop = nil
	p.done.Wait()
}

func (p *Progress) show(stop <-chan struct{}) {
	defer p.done.Done()
	every := 10 * time.Second
	if p.t.live {
		every = 100 * time.Millisecond
		defer p.t.setStatus("")
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			p.tick()
		}
	}
}

func (p *Progress) tick() {
	elapsed := time.Since(p.start)
	if elapsed < 500*time.Millisecond || p.files.Load() == 0 {
		return
	}
	line := p.line(elapsed)
	if p.t.live {
		p.t.setStatus(line)
	} else {
		p.t.Sayf("%s", line)
	}
}

func (p *Progress) line(elapsed time.Duration) string {
	n := p.bytes.Load()
	rate := float64(n) / elapsed.Seconds()
	line := fmt.Sprintf("%s: %s files, %s", p.label, Count(p.files.Load()), Bytes(n))
	if p.total > 0 {
		line += " of " + Bytes(p.total)
	}
	line += fmt.Sprintf(" (%s/s)", Bytes(int64(rate)))
	if p.total > n && rate > 0 {
		left := time.Duration(float64(p.total-n) / rate * float64(time.Second))
		line += ", " + Duration(left) + " left"
	}
	return line
}

// Bytes returns a size for people, as "4.0 KiB".
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1023.95 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}

// Count returns a number with its thousands apart, as "100,000".
func Count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Duration returns a time span for people, as "850 ms", "12.3 s" or "3m20s".
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
