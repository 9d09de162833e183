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
	start time.Time

	total, totalFiles atomic.Int64 // bytes and files to come; 0 if not known
	files, bytes      atomic.Int64
	moved             atomic.Int64 // bytes on the wire
	note              atomic.Pointer[string]
	stop              chan struct{}
	done              sync.WaitGroup
}

// Start begins to show progress under label. total is the number of bytes to
// come, 0 if that is not known. The caller must call [Progress.Done].
func (t *Terminal) Start(label string, total int64) *Progress {
	p := &Progress{t: t, label: label, start: time.Now(), stop: make(chan struct{})}
	p.total.Store(total)
	if t.Quiet {
		return p
	}
	p.done.Add(1)
	go p.show(p.stop)
	return p
}

// Add counts one more file of the given size. It may be called concurrently, as
// may the methods below.
func (p *Progress) Add(bytes int64) { p.Count(1, bytes) }

// Count counts so many more files and bytes.
func (p *Progress) Count(files, bytes int64) {
	p.files.Add(files)
	p.bytes.Add(bytes)
}

// Expect says that so many more files and bytes are to come.
func (p *Progress) Expect(files, bytes int64) {
	p.totalFiles.Add(files)
	p.total.Add(bytes)
}

// Moved counts bytes that went over the wire, in either direction.
func (p *Progress) Moved(bytes int64) { p.moved.Add(bytes) }

// Note shows how far the work is by something else than files and bytes.
func (p *Progress) Note(text string) { p.note.Store(&text) }

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
	if elapsed < 500*time.Millisecond || p.files.Load()+p.bytes.Load()+p.moved.Load() == 0 && p.note.Load() == nil {
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
	n, total := p.bytes.Load(), p.total.Load()
	rate := float64(n) / elapsed.Seconds()
	line := p.label + ": "
	if note := p.note.Load(); note != nil {
		line += *note + ", "
	}
	line += Count(p.files.Load())
	if files := p.totalFiles.Load(); files > 0 {
		line += " of " + Count(files)
	}
	line += " files, " + Bytes(n)
	if total > 0 {
		line += " of " + Bytes(total)
	}
	if moved := p.moved.Load(); moved > 0 {
		line += fmt.Sprintf(", moved %s (%s/s)", Bytes(moved), Bytes(int64(float64(moved)/elapsed.Seconds())))
	} else {
		line += fmt.Sprintf(" (%s/s)", Bytes(int64(rate)))
	}
	if total > n && rate > 0 {
		left := time.Duration(float64(total-n) / rate * float64(time.Second))
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
