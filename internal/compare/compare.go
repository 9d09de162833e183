// Package compare says whether two files hold the same, and if not, where the
// first difference is, in terms of what the files are.
package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// Tolerance is how far a number may be from the recorded one: |new - recorded|
// <= Abs + Rel*|recorded|, as in numpy.allclose. The zero Tolerance allows nothing.
type Tolerance struct{ Rel, Abs float64 }

// check refuses what is not a distance.
func (t Tolerance) check() error {
	for _, v := range []float64{t.Rel, t.Abs} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("a tolerance of %v: it must be a finite number, and not below 0", v)
		}
	}
	return nil
}

// Verdict is what has come of a comparison.
type Verdict uint8

// The verdicts.
const (
	Identical Verdict = iota // byte for byte
	Within                   // other bytes; every number is within the tolerance, all else is equal
	Differs
)

// String names the verdict, as in a message.
func (v Verdict) String() string {
	return [...]string{"identical", "within the tolerance", "different"}[v]
}

// Result is what has come of a comparison, and where the files differ.
type Result struct {
	Verdict Verdict
	// Where is the place of the first difference, in words: "key train.loss",
	// "row 17, column accuracy" (the first row after the header is row 1),
	// "array w1.npy, index [3, 7]", "line 12", "key acc is missing". It is
	// "" unless the verdict is Differs.
	Where string
	// Want and Got are the recorded and the new value there, shortened, and
	// quoted where they are text; "" where there is none.
	Want, Got string
	// Count is how many values differ by more than the tolerance, of files
	// whose values are compared; 0 of others.
	Count int64
	// Largest is the largest distance between two numbers that are not the
	// same, also of those within the tolerance; NaN if there are none.
	Largest float64
}

// Source is the content of a file. [io.SectionReader], [bytes.Reader] and
// [strings.Reader] are sources, and see [Open].
type Source interface {
	io.ReaderAt
	Size() int64 // in bytes
}

// Open makes a source of an open file, as long as it is now. Closing the file
// remains the caller's.
func Open(f *os.File) (Source, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f, 0, info.Size()), nil
}

// errFormat says that a file is not what its name says, or more of it than is
// looked into: it is compared as text or as bytes instead.
var errFormat = errors.New("not of that format")

// pair is two files under comparison.
type pair struct {
	want, got *input
	diff      byteDiff // the first one
}

// kind is a way to look at files: what compares them, and what to think of where
// the values are the same, and the bytes are not.
type kind struct {
	compare func(*tally, *pair) error
	hint    string
}

func kindOf(name string) (kind, bool) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		return kind{compareJSON, "white space, or the order of keys?"}, true
	case ".jsonl", ".ndjson":
		return kind{compareLines, "white space, or the order of keys?"}, true
	case ".csv":
		return kind{compareCSV, "quotes, line ends, or how numbers are written?"}, true
	case ".tsv":
		return kind{compareTSV, "quotes, line ends, or how numbers are written?"}, true
	case ".npy":
		return kind{compareNpy, "the header, the byte order, or the bits of a NaN?"}, true
	case ".npz":
		return kind{compareNpz, "zip time stamp?"}, true
	}
	return kind{}, false
}

// Files compares a file with the recorded one. The name says what they are; if
// the content is something else, it is compared as text or as bytes. The error
// is one of reading, of the context, or of the tolerance: files that are broken
// are no error.
func Files(ctx context.Context, want, got Source, name string, tol Tolerance) (Result, error) {
	if err := tol.check(); err != nil {
		return Result{}, err
	}
	p := &pair{
		want: &input{ctx: ctx, src: want, name: "the recorded " + name},
		got:  &input{ctx: ctx, src: got, name: "the new " + name},
	}
	res, err := p.compare(ctx, name, tol)
	// What could not be read may look like a broken file.
	if failed := p.failure(); failed != nil {
		return Result{}, failed
	}
	return res, err
}

// failure returns what went wrong with reading, if something did.
func (p *pair) failure() error {
	if p.want.err != nil {
		return p.want.err
	}
	return p.got.err
}

func (p *pair) compare(ctx context.Context, name string, tol Tolerance) (Result, error) {
	var err error
	if p.diff, err = firstDiff(p.want.reader(), p.got.reader(), max(p.want.Size(), p.got.Size())); err != nil {
		return Result{}, err
	}
	if p.diff.at < 0 {
		return Result{Verdict: Identical, Largest: math.NaN()}, nil
	}
	if k, ok := kindOf(name); ok {
		t := newTally(ctx, tol)
		t.hint = k.hint
		err := k.compare(t, p)
		if err == nil {
			return t.result(p), nil
		}
		if failed := p.failure(); failed != nil || !errors.Is(err, errFormat) {
			return Result{}, errors.Join(failed, err)
		}
	}
	text, err := p.isText()
	if err != nil {
		return Result{}, err
	}
	if text {
		return p.textDiff()
	}
	return p.bytesDiffer(), nil
}

// bytesDiffer is the result of files that are nothing but bytes.
func (p *pair) bytesDiffer() Result {
	want, got := p.diff.show(p.want.Size(), p.got.Size())
	return Result{Verdict: Differs, Where: p.diff.where(), Want: want, Got: got, Largest: math.NaN()}
}
