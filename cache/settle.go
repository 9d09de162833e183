package cache

import (
	"io/fs"
	"sync"
	"time"

	"github.com/xtrepro/xt/hash"
)

// settler records in the index what a checkout wrote. A record may be trusted
// from when on a change of the file shows in its times: 10 ms after it was
// written. So the last directories wait that long for their turn; then whoever
// runs a command after the checkout cannot change a file unseen.
type settler struct {
	index *hash.Index

	mu      sync.Mutex
	waiting []settling
}

type settling struct {
	path string
	self hash.Node     // zero: a file, in recs
	recs []hash.Record // nil when recorded
	at   time.Time     // when all of recs can be trusted
}

// settleFiles and settleBytes are how much is rather read again by the next
// scan than waited for.
const (
	settleFiles = 64
	settleBytes = 4 << 20
)

// maxSettle bounds the wait: where the file system stamps to two seconds only,
// what was written is read again.
const maxSettle = 2 * hash.Tick

func (s *settler) file(path string, rec hash.Record) {
	s.add(settling{path: path, recs: []hash.Record{rec}})
}

func (s *settler) dir(path string, self hash.Node, recs []hash.Record) {
	s.add(settling{path: path, self: self, recs: recs})
}

// add queues a directory and records those whose time has come.
func (s *settler) add(d settling) {
	for i := range d.recs {
		if t := d.recs[i].Stat.Settled(); d.recs[i].Stat != (hash.Stat{}) && t.After(d.at) {
			d.at = t
		}
	}
	s.mu.Lock()
	s.waiting = append(s.waiting, d)
	n, now := 0, time.Now()
	for n < len(s.waiting) && s.waiting[n].at.Before(now) {
		n++
	}
	due := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.mu.Unlock()
	s.record(due)
}

// finish records the rest, after waiting for it if the checkout wrote much.
func (s *settler) finish(files, bytes int64) {
	s.mu.Lock()
	due := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	var last time.Time
	for _, d := range due {
		if d.at.After(last) {
			last = d.at
		}
	}
	wait := time.Until(last)
	if wait < maxSettle && (files > settleFiles || bytes > settleBytes) {
		time.Sleep(wait + time.Millisecond)
	}
	s.record(due)
}

func (s *settler) record(due []settling) {
	now := time.Now()
	for i := range due {
		d := &due[i]
		for j := range d.recs {
			d.recs[j].Racy = d.recs[j].Racy || d.recs[j].Stat.Racy(now) && d.recs[j].Stat != (hash.Stat{}) || isObjectLink(&d.recs[j])
		}
		if d.self.IsZero() {
			s.index.SetFile(d.path, d.recs[0])
		} else {
			s.index.SetDir(d.path, d.self, d.recs)
		}
		d.recs = nil
	}
}

// isObjectLink reports whether r is of a symbolic link to an object, whose own
// Stat does not tell of a change of the object.
func isObjectLink(r *hash.Record) bool {
	return fs.FileMode(r.Stat.Mode)&fs.ModeSymlink != 0 && r.Node.Kind != hash.Symlink
}
