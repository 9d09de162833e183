package hash_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

// drawnTree draws trees with names of any bytes.
var drawnTree = rapid.Custom(func(t *rapid.T) hash.Tree {
	names := rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 6), func(b []byte) string { return string(b) }),
		rapid.StringN(1, 6, -1),
	).Filter(func(s string) bool { return hash.CheckName(s) == nil })
	tree := hash.Tree{}
	for _, name := range rapid.SliceOfNDistinct(names, 0, 8, rapid.ID).Draw(t, "names") {
		n := hash.Node{Kind: rapid.SampledFrom([]hash.Kind{hash.File, hash.Executable, hash.Symlink, hash.Directory}).Draw(t, "kind")}
		n.Sum = hash.Bytes([]byte(name))
		n.Size = int64(rapid.Int32Min(0).Draw(t, "size"))
		switch n.Kind {
		case hash.Directory:
			n.Files = int64(rapid.Int32Min(0).Draw(t, "files"))
		case hash.Symlink:
			n.Target = "to " + name
			n.Sum, n.Size = hash.Bytes([]byte(n.Target)), int64(len(n.Target))
		}
		tree = append(tree, hash.Entry{Name: name, Node: n})
	}
	slices.SortFunc(tree, func(a, b hash.Entry) int { return strings.Compare(a.Name, b.Name) })
	return tree
})

func TestTreeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := drawnTree.Draw(t, "tree")
		text := tree.Encode()
		for _, c := range text {
			if c < ' ' && c != '\n' || c == 0x7f {
				t.Fatalf("a control character in %q", text)
			}
		}
		parsed, err := hash.ParseTree(text)
		if diff := cmp.Diff(tree, parsed); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
		for _, e := range tree {
			if got, ok := parsed.Lookup(e.Name); !ok || got != e {
				t.Fatalf("Lookup(%q) = %+v", e.Name, got)
			}
		}
	})
}

// TestTreeText fixes the format: trees of today must be found for ever.
func TestTreeText(t *testing.T) {
	sum := hash.Bytes([]byte("hello"))
	target := "../x y"
	tree := hash.Tree{
		{Name: "a b\n", Node: hash.Node{Kind: hash.File, Sum: sum, Size: 5}},
		{Name: "bin", Node: hash.Node{Kind: hash.Directory, Sum: sum, Size: 10, Files: 2}},
		{Name: "l", Node: hash.Node{Kind: hash.Symlink, Sum: hash.Bytes([]byte(target)), Size: 6, Target: target}},
		{Name: "run", Node: hash.Node{Kind: hash.Executable, Sum: sum, Size: 5}},
		{Name: "ü", Node: hash.Node{Kind: hash.File, Sum: sum, Size: 5}},
		{Name: "\xff", Node: hash.Node{Kind: hash.File, Sum: sum, Size: 0}},
	}
	want := fmt.Sprintf(`xt-tree 1
file %[1]v 5 "a b\n"
dir %[1]v 10 2 bin
link %[2]v 6 l "../x y"
exec %[1]v 5 run
file %[1]v 5 ü
file %[1]v 0 "\xff"
`, sum, hash.Bytes([]byte(target)))
	if diff := cmp.Diff(want, string(tree.Encode())); diff != "" {
		t.Error(diff)
	}
	n := tree.Node()
	if n.Kind != hash.Directory || n.Size != 31 || n.Files != 7 || n.Sum != hash.Bytes([]byte(want)) {
		t.Errorf("%+v", n)
	}
}

func TestParseTreeRefuses(t *testing.T) {
	sum := hash.Bytes([]byte("x")).String()
	link := hash.Bytes([]byte("to")).String()
	big := fmt.Sprint(math.MaxInt64)
	for _, body := range []string{
		"file " + sum + " 1 a", // no end of line
		"file " + sum + " 1 b\nfile " + sum + " 1 a\n",
		"file " + sum + " 1 a\nfile " + sum + " 1 a\n",
		"file " + sum + " 1 a\n\n",
		"\n",
		"socket " + sum + " 1 a\n",
		" " + sum + " 1 a\n",
		"file " + sum[:62] + " 1 a\n",
		"file " + strings.ToUpper(sum) + " 1 a\n",
		"file " + strings.Repeat("0", 64) + " 1 a\n",
		"file " + sum + " -1 a\n",
		"file " + sum + " +1 a\n",
		"file " + sum + " 01 a\n",
		"file " + sum + " 9223372036854775808 a\n",
		"file " + sum + " " + big + " a\nfile " + sum + " 1 b\n",
		"dir " + sum + " 1 " + big + " a\n",
		"file " + sum + " 1 \n",
		"file " + sum + " 1\n",
		"file " + sum + "  1 a\n",
		"file " + sum + " 1 a \n",
		"file " + sum + " 1 a b\n",
		"file " + sum + " 1 \"a\"\n",
		"file " + sum + " 1 \"a\\x20b\"\n",
		"file " + sum + " 1 'a b'\n",
		"file " + sum + " 1 `a b`\n",
		"file " + sum + " 1 \"a b\n",
		"file " + sum + " 1 \"é \"\n",
		"file " + sum + " 1 \xff\n",
		"file " + sum + " 1 a\r\n",
		"file " + sum + " 1 .\n",
		"file " + sum + " 1 ..\n",
		"file " + sum + " 1 a/b\n",
		"file " + sum + " 1 \"a\\x00\"\n",
		"dir " + sum + " 1 1 .git\n",
		"dir " + sum + " 1 1 .Git\n",
		"dir " + sum + " 1 1 .xt\n",
		"dir " + sum + " 1 a\n",
		"link " + link + " 2 a\n",
		"link " + link + " 2 a \"\"\n",
		"link " + link + " 3 a to\n",
		"link " + sum + " 2 a to\n",
		"file " + sum + " 1 a to\n",
	} {
		if tree, err := hash.ParseTree([]byte("xt-tree 1\n" + body)); err == nil {
			t.Errorf("%q: no error, %+v", body, tree)
		}
	}
	for _, text := range []string{"", "xt-tree 1", "xt-tree 2\n", "\nxt-tree 1\n"} {
		if _, err := hash.ParseTree([]byte(text)); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	sum := hash.Bytes([]byte("to")).String()
	f.Add([]byte("xt-tree 1\n"))
	f.Add([]byte("xt-tree 1\nfile " + sum + " 2 a\nlink " + sum + " 2 \"b \" to\ndir " + sum + " 0 0 c\nexec " + sum + " 2 \"\\xff\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tree, err := hash.ParseTree(text)
		if err != nil {
			return
		}
		if again := tree.Encode(); !bytes.Equal(again, text) {
			t.Errorf("%q is also spelled %q", again, text)
		}
		for _, e := range tree {
			if hash.CheckName(e.Name) != nil {
				t.Errorf("name %q", e.Name)
			}
		}
	})
}
