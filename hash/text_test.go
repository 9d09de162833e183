package hash

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Fingerprints in every xt.lock depend on how values are quoted.
func TestTextQuotesAsGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\x00-\x1f\x7f]*`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))).Draw(t, "values")
		var text Text
		text.Line("label", values...)
		want := "label"
		for _, v := range values {
			want += fmt.Sprintf(" %q", v)
		}
		if text.String() != want+"\n" {
			t.Errorf("got %s, want %s", text.String(), want)
		}
	})
}
