// Package term writes what people read while xt works.
//
// The rules of the screen: results go to standard output; everything else goes
// to standard error, starts with a lower-case letter and ends without a full
// stop. Colour is for terminals only, and never where NO_COLOR is set. A line
// that updates in place appears on a terminal only; elsewhere long work says a
// plain line now and then, so that a log stays readable.
package term

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/clipperhouse/displaywidth"
	xterm "golang.org/x/term"
)

// Terminal is where a command writes. It is safe for concurrent use: lines of
// different writers never mix.
type Terminal struct {
	Out io.Writer // results
	Err io.Writer // everything else

	Quiet bool // say only errors and results

	mu       sync.Mutex
	live     bool   // Err is a terminal, so a line may be updated in place
	colorOut bool   // Out shows colour
	colorErr bool   // Err shows colour
	status   string // the lines being updated in place, without the last ending
	drawn    int    // how many lines of it stand on the screen
	lost     error  // of the first result that could not be written
}

// New returns a Terminal on the two standard streams.
func New(stdout, stderr *os.File) *Terminal {
	t := &Terminal{Out: stdout, Err: stderr}
	plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	t.live = xterm.IsTerminal(int(stderr.Fd())) && os.Getenv("TERM") != "dumb"
	t.colorErr = t.live && !plain
	t.colorOut = xterm.IsTerminal(int(stdout.Fd())) && !plain
	return t
}

// Style is how a word looks on a terminal that shows colour.
type Style string

// The styles in use; each is an ANSI SGR parameter.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Blue   Style = "34"
	Purple Style = "35"
	Cyan   Style = "36"
)

// Paint returns s in the style where standard output shows colour, else s.
func (t *Terminal) Paint(style Style, s string) string { return paint(t.colorOut, style, s) }

// PaintErr is [Terminal.Paint] for standard error.
func (t *Terminal) PaintErr(style Style, s string) string { return paint(t.colorErr, style, s) }

func paint(on bool, style Style, s string) string {
	if !on || s == "" {
		return s
	}
	return "\x1b[" + string(style) + "m" + s + "\x1b[0m"
}

// Printf writes a result to standard output.
func (t *Terminal) Printf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	if _, err := fmt.Fprintf(t.Out, format, args...); err != nil && t.lost == nil {
		t.lost = err
	}
	t.draw()
}

// Lost returns why a result could not be written to standard output, as on a full
// disk; nil if all were written, or if there is no standard output, which is then
// as the user wants it.
func (t *Terminal) Lost() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(t.lost, syscall.EBADF) || errors.Is(t.lost, os.ErrClosed) {
		return nil
	}
	return t.lost
}

// Sayf writes a line to standard error, unless the user asked for quiet.
func (t *Terminal) Sayf(format string, args ...any) {
	if !t.Quiet {
		t.say(fmt.Sprintf(format, args...))
	}
}

// Warnf writes a warning to standard error, also when quiet.
func (t *Terminal) Warnf(format string, args ...any) {
	t.say("xt: " + t.PaintErr(Yellow, "warning:") + " " + fmt.Sprintf(format, args...))
}

// Error writes an error and its hints to standard error.
func (t *Terminal) Error(msg string, hints ...string) {
	var b strings.Builder
	b.WriteString("xt: " + t.PaintErr(Red, "error:") + " " + msg)
	for _, h := range hints {
		b.WriteString("\nxt: " + t.PaintErr(Cyan, "hint:") + " " + h)
	}
	t.say(b.String())
}

func (t *Terminal) say(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	fmt.Fprintln(t.Err, line)
	t.draw()
}

// Live reports whether something can be updated in place.
func (t *Terminal) Live() bool { return t.live && !t.Quiet }

// SetStatus shows lines in place of those before, below all that is written; none
// takes them away. Where nothing can be updated in place it does nothing.
func (t *Terminal) SetStatus(lines ...string) {
	if t.Live() {
		t.setStatus(strings.Join(lines, "\n"))
	}
}

// setStatus shows status in place of the one before; "" takes it away.
func (t *Terminal) setStatus(status string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	t.status = status
	t.draw()
}

// clear wipes the updated lines so that something else can be written.
func (t *Terminal) clear() {
	if t.drawn == 0 {
		return
	}
	fmt.Fprint(t.Err, "\r\x1b[K"+strings.Repeat("\x1b[1A\x1b[K", t.drawn-1))
	t.drawn = 0
}

func (t *Terminal) draw() {
	if t.status == "" || !t.live {
		return
	}
	lines := strings.Split(t.status, "\n")
	// A line that wraps, or leaves the screen, could not be wiped again.
	if f, ok := t.Err.(*os.File); ok {
		if w, h, err := xterm.GetSize(int(f.Fd())); err == nil && w > 1 && h > 1 {
			lines = lines[:min(len(lines), h-1)]
			for i := range lines {
				lines[i] = displaywidth.TruncateString(lines[i], w-1, "…")
			}
		}
	}
	t.drawn = len(lines)
	fmt.Fprint(t.Err, strings.Join(lines, "\n"))
}

// Width returns how wide standard output is, in characters: 80 where that is no
// terminal.
func (t *Terminal) Width() int {
	if f, ok := t.Out.(*os.File); ok {
		if w, _, err := xterm.GetSize(int(f.Fd())); err == nil && w > 1 {
			return w
		}
	}
	return 80
}
