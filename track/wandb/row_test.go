package wandb

import (
	"testing"

	"github.com/xtrepro/xt/track"
)

// TestRow puts what is in tables beside them, and leaves numbers and media as they
// are.
func TestRow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"_step":3,"x":1.50}`: `{"_step":3,"x":1.50}`,
		`{"_step": 3, "n": {"big": 9007199254740993, "nan": NaN, "d": {"e": {}, "w": "NaN and more"}}, "x": 1.50}`: `{"_step":3,"n.big":9007199254740993,"n.d.e":{},"n.d.w":"NaN and more","n.nan":NaN,"x":1.50}`,
		`{"m":{"img":{"_type":"image-file","size":3}},"i":{"_type":"image-file"}}`:                                 `{"i":{"_type":"image-file"},"m.img":{"_type":"image-file","size":3}}`,
	} {
		values, err := parseObject(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := newRow(track.Line{Text: text}, values).text; got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
