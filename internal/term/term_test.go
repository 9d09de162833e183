package term

import (
	"bytes"
	"testing"
	"time"
)

func TestUnits(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Bytes(0), "0 B"}, {Bytes(1023), "1023 B"}, {Bytes(1024), "1.0 KiB"}, {Bytes(1<<20 - 1), "1.0 MiB"},
		{Bytes(5 << 30), "5.0 GiB"}, {Bytes(1<<63 - 1), "8.0 EiB"},
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(-1234567), "-1,234,567"},
		{Duration(850 * time.Millisecond), "850 ms"}, {Duration(12340 * time.Millisecond), "12.3 s"}, {Duration(200 * time.Second), "3m20s"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestPrefixer(t *testing.T) {
	for _, c := range []struct {
		name, want string
		writes     []string
	}{
		{"lines in pieces", "p| ab\np| c\n", []string{"a", "b\nc", "\n"}},
		{"a last line without an end", "p| a\np| b\n", []string{"a\nb"}},
		{"a progress bar shows its last state", "p| 100%\np| done\n", []string{"1%\r", "50%\r", "100%\ndone\n"}},
		{"carriage return and line feed", "p| a\np| b\n", []string{"a\r\nb\r\n"}},
		{"an empty line", "p| \n", []string{"\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			p := (&Terminal{Out: &out}).Prefixed(&out, "p| ")
			for _, w := range c.writes {
				if n, err := p.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatalf("Write: %d, %v", n, err)
				}
			}
			p.Flush()
			if out.String() != c.want {
				t.Errorf("got %q, want %q", out.String(), c.want)
			}
		})
	}
}

func TestPrefixerShowsLongWork(t *testing.T) {
	var out bytes.Buffer
	p := (&Terminal{Out: &out}).Prefixed(&out, "p| ")
	now := time.Now()
	p.now = func() time.Time { return now }
	p.Write([]byte("1%\r"))
	now = now.Add(6 * time.Second)
	p.Write([]byte("2%\r"))
	if got := out.String(); got != "p| 2%\n" {
		t.Errorf("got %q", got)
	}
}

func TestPrefixerBoundsALine(t *testing.T) {
	var out bytes.Buffer
	p := (&Terminal{Out: &out}).Prefixed(&out, "")
	for range 100 {
		p.Write(make([]byte, 4096))
	}
	if len(p.buf) > maxLine+4096 || out.Len() == 0 {
		t.Errorf("%d bytes are held back, %d were written", len(p.buf), out.Len())
	}
}

func TestErrorForm(t *testing.T) {
	var out bytes.Buffer
	term := &Terminal{Err: &out, Quiet: true}
	term.Sayf("not said when quiet")
	term.Warnf("odd %d", 1)
	term.Error("it broke", "mend it")
	want := "xt: warning: odd 1\nxt: error: it broke\nxt: hint: mend it\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestStatus checks that lines which are updated in place leave nothing behind.
func TestStatus(t *testing.T) {
	var screen bytes.Buffer
	term := &Terminal{Err: &screen, Out: &screen, live: true}
	term.SetStatus("one", "two", "three")
	term.SetStatus("four")
	term.Sayf("said")
	term.SetStatus()
	const up = "\r\x1b[K\x1b[1A\x1b[K\x1b[1A\x1b[K"
	if got, want := screen.String(), "one\ntwo\nthree"+up+"four"+"\r\x1b[K"+"said\n"+"four"+"\r\x1b[K"; got != want {
		t.Errorf("written %q\nwant    %q", got, want)
	}
	screen.Reset()
	plain := &Terminal{Err: &screen}
	plain.SetStatus("one")
	if screen.Len() > 0 || plain.Live() {
		t.Errorf("where nothing can be updated, %q is written", &screen)
	}
}
