package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/seedenv"
)

func TestMessageHints(t *testing.T) {
	for _, test := range []struct {
		err  error
		want []string
	}{
		{&seedenv.MissingError{What: "there is no uv", Hint: "install uv"}, []string{"install uv"}},
		{&pipeline.MisuseError{Msg: "a.txt is not data"}, nil},
		{fmt.Errorf("lost"), nil},
	} {
		text, hints := message(fmt.Errorf("prepare: %w", test.err))
		if want := "prepare: " + test.err.Error(); text != want {
			t.Errorf("got text %q, want %q", text, want)
		}
		if !slices.Equal(hints, test.want) {
			t.Errorf("%v: got hints %q, want %q", test.err, hints, test.want)
		}
	}
}
