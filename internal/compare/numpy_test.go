package compare

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// script writes pairs of files with NumPy: NAME.want and NAME.got of all that it
// can write. XT_PYTHON names another Python than python3.
const script = `
import json, sys, os, warnings
import numpy as np
from numpy.lib import format as fmt
os.chdir(sys.argv[1])
warnings.simplefilter("ignore")

def pair(name, a, b, version=None):
    for kind, v in (("want", a), ("got", b)):
        with open(f"{kind}/{name}.npy", "wb") as f:
            fmt.write_array(f, v, version=version)

os.mkdir("want"); os.mkdir("got")
for code in ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "S3", "U3"]:
    for order in "<>":
        for layout in "CF":
            a = np.zeros((3, 4), dtype=order + code, order=layout)
            b = a.copy(order=layout)
            b[1, 2] = 1
            pair("_".join([code, {"<": "le", ">": "be"}[order], layout]), a, b)
for v in [(1, 0), (2, 0), (3, 0)]:
    pair(f"version{v[0]}", np.arange(3), np.arange(3) + [0, 0, 1], v)
pair("scalar", np.float32(1), np.float32(2))
pair("empty", np.zeros((0, 3)), np.zeros((0, 4)))
rec = np.zeros(3, dtype=[("a", "<i4"), ("é", "<f8", (2,))])
rec2 = rec.copy(); rec2["a"][2] = 1
pair("record", rec, rec2)
pair("object", np.array([1, None], dtype=object), np.array([2, None], dtype=object))
pair("date", np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-02"], "M8[D]"))
x = np.linspace(0, 1, 7)
np.savez("want/z.npz", x=x, y=x); np.savez("got/z.npz", x=x, y=x * (1 + 1e-6))
np.savez("want/same.npz", x=x); np.savez_compressed("got/same.npz", x=x)
json.dump({"a": [float("nan"), float("inf"), 1e-7, "é\ud800"]}, open("want/j.json", "w"))
json.dump({"a": [float("nan"), float("inf"), 2e-7, "é\ud800"]}, open("got/j.json", "w"), indent=2)
np.savetxt("want/t.csv", x, header="x", comments=""); np.savetxt("got/t.csv", x * (1 + 1e-6), header="x", comments="", fmt="%.12f")
`

func TestRealNumPy(t *testing.T) {
	python := os.Getenv("XT_PYTHON")
	if python == "" {
		python = "python3"
	}
	if exec.Command(python, "-c", "import numpy").Run() != nil {
		t.Skip("no python3 with numpy")
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, "-c", script, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	names, err := filepath.Glob(filepath.Join(dir, "want", "*"))
	if err != nil || len(names) < 70 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	special := map[string]string{
		"version1.npy": "different: index [2]: 2 -> 3 (1) by 1",
		"version2.npy": "different: index [2]: 2 -> 3 (1) by 1",
		"version3.npy": "different: index [2]: 2 -> 3 (1) by 1",
		"scalar.npy":   "different: the value: 1 -> 2 (1) by 1",
		"empty.npy":    "different: shape (0, 4) instead of (0, 3) (1)",
		"record.npy":   "different: byte ",
		"object.npy":   "different: byte ",
		"date.npy":     "different: index [0]: 18262 D -> 18263 D (1)",
		"z.npz":        "within the tolerance by 1e-06",
		"same.npz":     "within the tolerance",
		"j.json":       "within the tolerance by 1e-07",
		"t.csv":        "within the tolerance by 1e-06",
	}
	for _, name := range names {
		base := filepath.Base(name)
		want, got := read(t, name), read(t, filepath.Join(dir, "got", base))
		expect, ok := special[base]
		if !ok {
			expect = "different: index [1, 2]: "
		}
		if res := show(files(t, base, want, got, Tolerance{1e-5, 1e-5})); !strings.HasPrefix(res, expect) || ok && !strings.HasSuffix(expect, "byte ") && res != expect {
			t.Errorf("%s: got %s, want %s", base, res, expect)
		}
		if res := files(t, base, want, want, Tolerance{}); res.Verdict != Identical {
			t.Errorf("%s: %s", base, show(res))
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
