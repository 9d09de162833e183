package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fake is a driver that does what its functions say.
type fake struct {
	onRead   func(off int64, p []byte) (int, error)
	onPut    func(create bool) error
	onRemove func(keys []string) ([]string, error)
	listed   []Info
	data     []byte // of the one blob that there is
}

func (f *fake) stat(context.Context, string) (Info, error) {
	return Info{Size: int64(len(f.data))}, nil
}

func (f *fake) read(_ context.Context, _ string, off int64, p []byte) (int, error) {
	if f.onRead != nil {
		return f.onRead(off, p)
	}
	return copy(p, f.data[off:]), nil
}

func (f *fake) put(_ context.Context, _ string, data []byte, create bool) error {
	err := f.onPut(create)
	if err == nil || errors.Is(err, errLost) {
		f.data = data
	}
	return err
}

func (f *fake) list(_ context.Context, _ string, try func(func() error) error) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		for _, i := range f.listed {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (f *fake) remove(_ context.Context, keys []string) ([]string, error) { return f.onRemove(keys) }
func (f *fake) close() error                                              { return nil }

// errLost is of a request that was done, but whose answer was lost.
var errLost = fmt.Errorf("lost: %w", io.ErrUnexpectedEOF)

// patient returns a store over f, and what it has waited.
func patient(f *fake) (*retrying, *[]time.Duration) {
	waits := new([]time.Duration)
	return newRetrying(f, "fake://x", Options{sleep: func(_ context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return nil
	}}), waits
}

func TestRetryGivesUp(t *testing.T) {
	unreachable := &trouble{kind: Unreachable, text: "it is down"}
	for _, c := range []struct {
		err   error
		tries int
	}{
		{syscall.ECONNRESET, maxTries}, {unreachable, maxUnknown}, {&trouble{kind: Skewed}, 2},
		{&trouble{kind: Denied}, 1}, {fs.ErrNotExist, 1}, {errors.New("what?"), 1},
	} {
		tries := 0
		s, waits := patient(&fake{onPut: func(bool) error { tries++; return c.err }})
		if err := s.Put(t.Context(), "a", nil); err == nil || tries != c.tries || len(*waits) != c.tries-1 {
			t.Errorf("%v: %d tries, %v", c.err, tries, err)
		}
		for i, d := range *waits {
			if longest := min(firstWait<<i, longestWait); d < longest/2 || d >= longest {
				t.Errorf("wait %d is %v", i, d)
			}
		}
	}
	// One that could be reached a moment ago is waited for.
	tries := 0
	s, _ := patient(&fake{onPut: func(bool) error {
		if tries++; tries == 1 {
			return nil
		}
		return unreachable
	}})
	_ = s.Put(t.Context(), "a", nil)
	if err := s.Put(t.Context(), "a", nil); err == nil || tries != 1+maxTries {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestRetryStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newRetrying(&fake{onPut: func(bool) error { cancel(); return io.EOF }}, "fake://x", Options{})
	if err := s.Put(ctx, "a", nil); !errors.Is(err, context.Canceled) || kindOf(err) != Other {
		t.Error(err)
	}
}

func TestCreateWhoseAnswerIsLost(t *testing.T) {
	f := &fake{}
	f.onPut = func(bool) error {
		if f.data != nil {
			return fs.ErrExist
		}
		return errLost
	}
	s, _ := patient(f)
	if err := s.Create(t.Context(), "a", []byte("mine")); err != nil {
		t.Error(err)
	}
	if err := s.Create(t.Context(), "a", []byte("mine")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("at the first try: %v", err)
	}
	f.data = []byte("theirs")
	lost := true
	f.onPut = func(bool) error {
		if lost {
			lost = false
			return &trouble{kind: Temporary}
		}
		return fs.ErrExist
	}
	if err := s.Create(t.Context(), "a", []byte("mine")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("somebody else's: %v", err)
	}
}

// A read that gets on, however little, is not given up.
func TestReadGoesOn(t *testing.T) {
	data := random(100)
	s, waits := patient(&fake{onRead: func(off int64, p []byte) (int, error) {
		if len(p) == 1 {
			return copy(p, data[off:]), nil
		}
		return copy(p[:1], data[off:]), io.ErrUnexpectedEOF
	}})
	p := make([]byte, len(data))
	if err := s.Read(t.Context(), "a", 0, p); err != nil || !bytes.Equal(p, data) {
		t.Error(err)
	}
	if longest := slices.Max(*waits); longest > firstWait {
		t.Errorf("waited %v", longest)
	}
}

func TestDeleteGoesOn(t *testing.T) {
	var gone []string
	s, _ := patient(&fake{onRemove: func(keys []string) ([]string, error) {
		gone = append(gone, keys[0])
		if len(keys) == 1 {
			return nil, nil
		}
		return keys[1:], io.EOF
	}})
	keys := strings.Split("abcdefghijklmnop", "")
	if err := s.Delete(t.Context(), keys); err != nil || !slices.Equal(gone, keys) {
		t.Errorf("deleted %v, %v", gone, err)
	}
}

func TestListingIsNotBelieved(t *testing.T) {
	s, _ := patient(&fake{listed: []Info{
		{Key: "in/good"}, {Key: "in/../../up"}, {Key: "/in/abs"}, {Key: "out/of"}, {Key: "in/folder/"}, {Key: "in//x"},
		{Key: "in/negative", Size: -1}, {Key: "in/" + tempName()}, {Key: "in/a\x00b"}, {Key: ""}, {Key: "in"}, {Key: `in/a\..\b`},
	}})
	if got := keysOf(list(t, &sweeping{retrying: s}, "in/")); !slices.Equal(got, []string{"in/good"}) {
		t.Errorf("listed %q", got)
	}
}
