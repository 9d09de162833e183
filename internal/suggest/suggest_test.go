package suggest

import "testing"

func TestNearest(t *testing.T) {
	for _, test := range []struct {
		word       string
		candidates []string
		want       string
	}{
		{"rerpo", []string{"remove", "repro"}, "repro"}, // two letters swapped
		{"Train", []string{"train"}, "train"},
		{"stat", []string{"gc", "status"}, "status"}, // the beginning of it
		{"hidden", []string{"lr", "train.hidden"}, "train.hidden"},
		{"lt", []string{"at", "lr"}, "lr"}, // of two as near, the one with the same first letter
		{"frobnicate", []string{"repro", "status"}, ""},
		{"x", []string{"y"}, ""},
		{"", []string{"repro"}, ""},
		{"repro", nil, ""},
	} {
		if got := Nearest(test.word, test.candidates); got != test.want {
			t.Errorf("Nearest(%q, %q) = %q, want %q", test.word, test.candidates, got, test.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	if got, want := DidYouMean("trian", []string{"train"}), `did you mean "train"?`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := DidYouMean("frobnicate", []string{"train"}); got != "" {
		t.Errorf("got %s for a word that nothing is near", got)
	}
}
