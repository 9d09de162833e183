package lock

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// journal is the file that remembers the entries of a run until they are in the
// lock, at a cost that does not grow with the lock. It is text:
//
//	xt-journal 1 <digest of the lock that it adds to>
//	set <bytes> <crc32c>
//	<that many bytes: a lock with only the entries that are set>
//	remove-stage <bytes> <crc32c>
//	<that many bytes: the name>
//	…
//
// A kill can leave the last record torn; what does not check out, and all that
// follows, is as if never written. Nothing here waits for the disk: what a
// power cut takes is in the run cache.
type journal struct {
	path string
	base hash.Sum // of the lock that the records add to; zero for none
	f    *os.File // nil until something is written
	end  int64    // of the last whole record; 0 if the file has none to keep
}

// record is a change to a lock.
type record struct {
	op   string
	body string
}

// The values of record.op.
const (
	opSet         = "set"
	opRemoveStage = "remove-stage"
	opRemoveData  = "remove-data"
)

// openJournal opens the journal at path and calls apply with each record. One
// that apply refuses, which another version of xt must have written, ends the
// journal as a torn one does. There are no records if the file does not exist,
// or belongs to another lock than the one with digest base.
//
// Such a journal is dropped, not applied: the lock was changed behind it, say
// by a checkout of another branch after a kill, and its entries would put
// results of that branch's files into this one's lock. They would not be
// wrong, since a fingerprint tells for which inputs an entry holds, but the
// lock would differ from the commit for no reason that the user could see. The
// results themselves are in the run cache.
func openJournal(path string, base hash.Sum, apply func(record) error) (*journal, error) {
	j := &journal{path: path, base: base}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	rest, ok := strings.CutPrefix(string(b), j.title())
	if !ok {
		return j, nil
	}
	for {
		rec, after, ok := cutRecord(rest)
		if !ok || apply(rec) != nil {
			break
		}
		rest = after
	}
	j.end = int64(len(b) - len(rest))
	return j, nil
}

func (j *journal) title() string { return "xt-journal 1 " + j.base.String() + "\n" }

// cutRecord returns the first record of s and what follows it; ok is false if s
// does not begin with a whole one.
func cutRecord(s string) (rec record, rest string, ok bool) {
	head, rest, ok := strings.Cut(s, "\n")
	if !ok {
		return rec, s, false
	}
	var size int
	var sum uint32
	if n, err := fmt.Sscanf(head, "%s %d %x", &rec.op, &size, &sum); n != 3 || err != nil {
		return rec, s, false
	}
	if size < 0 || size >= len(rest) || rest[size] != '\n' {
		return rec, s, false
	}
	rec.body = rest[:size]
	return rec, rest[size+1:], head == rec.head() && sum == rec.sum()
}

func (r record) sum() uint32 {
	return crc32.Checksum([]byte(r.op+r.body), crc32.MakeTable(crc32.Castagnoli))
}

func (r record) head() string { return fmt.Sprintf("%s %d %08x", r.op, len(r.body), r.sum()) }

// add appends a record in one write. If it fails, the journal is as before.
func (j *journal) add(rec record) error {
	text := rec.head() + "\n" + rec.body + "\n"
	if j.end == 0 {
		text = j.title() + text
	}
	if err := j.open(); err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	if _, err := j.f.WriteAt([]byte(text), j.end); err != nil {
		_ = j.f.Truncate(j.end) // a torn record would do no harm
		return fmt.Errorf("write journal: %w", err)
	}
	j.end += int64(len(text))
	return nil
}

// open opens the file for writing, without what follows the last whole record.
func (j *journal) open() error {
	if j.f != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(j.path), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	if err := f.Truncate(j.end); err != nil {
		f.Close()
		return err
	}
	j.f = f
	return nil
}

// reset forgets all records; those to come add to the lock with digest base.
func (j *journal) reset(base hash.Sum) error {
	j.close()
	j.base, j.end = base, 0
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove journal: %w", err)
	}
	return nil
}

// close closes the file, which is opened again when needed.
func (j *journal) close() {
	if j.f != nil {
		j.f.Close()
		j.f = nil
	}
}
