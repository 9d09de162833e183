package chart

import (
	"math"
	"testing"

	"github.com/go-text/typesetting/font/opentype"
)

func outlineOf(t *testing.T, text string) ([]opentype.Segment, float64) {
	t.Helper()
	l, err := newLetters()
	if err != nil {
		t.Fatal(err)
	}
	return l.outline(text, 20)
}

func TestLettersOrder(t *testing.T) {
	for text, seen := range map[string]string{ // with marks of direction, which hold whatever the letters are
		"\u202eiW":                          "Wi",
		"x \u202eab\u202d12\u202cc\u202c y": "x c12ba y",
	} {
		got, width := outlineOf(t, text)
		want, same := outlineOf(t, seen)
		if len(got) != len(want) || math.Abs(width-same) > 0.01 {
			t.Fatalf("%q: %d outlines in %g, want %d in %g", text, len(got), width, len(want), same)
		}
		for i := range got {
			if math.Abs(float64(got[i].Args[0].X-want[i].Args[0].X)) > 0.01 {
				t.Fatalf("%q: outline %d is at %v, want %v", text, i, got[i].Args[0], want[i].Args[0])
			}
		}
	}
}

func TestLettersOfNoFont(t *testing.T) {
	for _, text := range []string{"", "\x00", "\n", "a\nb", "\ufffe", "\U0010fffd", "e\u0301\u0301\u0301"} {
		if segments, width := outlineOf(t, text); width < 0 || len(segments) > 0 && width == 0 {
			t.Errorf("%q: %d outlines in %g", text, len(segments), width)
		}
	}
	if segments, _ := outlineOf(t, "\U0010fffd"); len(segments) == 0 {
		t.Error("a letter that no font has is not to be seen")
	}
}

func TestLettersOfTheSystem(t *testing.T) {
	l, err := newLetters()
	if err != nil {
		t.Fatal(err)
	}
	if l.ResolveFace('ب') == l.own {
		t.Skip("this system has no font with Arabic letters")
	}
	_, one := l.outline("ب", 20)
	if _, joined := l.outline("ببب", 20); joined > 2.9*one {
		t.Errorf("three letters that join take %g, and one alone %g", joined, one)
	}
}

func FuzzLetters(f *testing.F) {
	for _, text := range []string{"loss", "a\u202eb\u2067c\n", "\u0627\u0644\u0651", "\xff\u200d\U0001f468"} {
		f.Add(text)
	}
	l, err := newLetters()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, width := l.outline(text, 11); math.IsNaN(width) || math.IsInf(width, 0) {
			t.Errorf("%q is %g wide", text, width)
		}
	})
}
