package offline

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// message builds a message.
type message []byte

func (m message) text(number protowire.Number, s string) message {
	return protowire.AppendString(protowire.AppendTag(m, number, protowire.BytesType), s)
}

func (m message) int(number protowire.Number, n int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, number, protowire.VarintType), uint64(n))
}

func (m message) float(number protowire.Number, x float64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, number, protowire.Fixed64Type), math.Float64bits(x))
}

func (m message) in(number protowire.Number, sub message) message { return m.text(number, string(sub)) }

func item(json string, path ...string) message {
	m := message(nil).text(16, json)
	if len(path) == 1 {
		return m.text(1, path[0])
	}
	for _, key := range path {
		m = m.text(2, key)
	}
	return m
}

// writeLog writes records as clients do.
func writeLog(records ...message) []byte {
	b := []byte(fileHeader)
	for _, r := range records {
		for begun := false; ; begun = true {
			if left := blockSize - len(b)%blockSize; left < pieceSize {
				b = append(b, make([]byte, left)...)
			}
			n := min(len(r), blockSize-len(b)%blockSize-pieceSize)
			kind := byte(middle)
			switch done := n == len(r); {
			case done && !begun:
				kind = whole
			case done:
				kind = last
			case !begun:
				kind = first
			}
			b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(append([]byte{kind}, r[:n]...)))
			b = append(binary.LittleEndian.AppendUint16(b, uint16(n)), kind)
			b = append(b, r[:n]...)
			if r = r[n:]; kind == whole || kind == last {
				break
			}
		}
	}
	return b
}

// readAll returns what is in a log, and the warnings.
func readAll(t *testing.T, b []byte) (records []*Record, warnings []string) {
	t.Helper()
	err := Read(bytes.NewReader(b), func(p string) { warnings = append(warnings, p) }, func(r *Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, warnings
}

func history(step int64, items ...message) message {
	row := message(nil).in(2, message(nil).int(1, step))
	for _, i := range items {
		row = row.in(1, i)
	}
	return message(nil).int(1, step).in(2, row)
}

func TestRecords(t *testing.T) {
	t.Parallel()
	run := message(nil).text(1, "abc").text(3, "project").text(10, "x").text(10, "y").
		in(4, message(nil).in(1, item("0.1", "lr")).in(1, item("2", "net", "layers"))).
		in(17, message(nil).int(1, 1700000000).int(2, 5e6)).in(21, message(nil).text(1, "origin").text(2, "c0ffee"))
	artifact := message(nil).text(4, "model").text(5, "net").text(11, "best").
		in(12, message(nil).in(4, message(nil).text(1, "a.bin").text(2, "MD5").int(4, 7).text(6, "/tmp/a")))
	b := writeLog(
		message(nil).in(17, run),
		history(3, item("NaN", "a"), item(`{"x": [Infinity, "NaN"]}`, "b"), message(nil).text(1, "f").float(6, 0.5), message(nil).text(1, "i").int(5, 3), message(nil).text(1, "s").text(7, "é\"")),
		message(nil).in(5, message(nil).in(1, item("0.2", "lr")).in(2, item("", "net", "layers"))),
		message(nil).in(8, artifact),
		message(nil).in(21, message(nil).text(1, "header")),
		message(nil).in(18, message(nil).int(1, 3).int(2, 60)),
	)
	got, warnings := readAll(t, b)
	if len(got) != 5 || warnings != nil {
		t.Fatalf("%d records, %v", len(got), warnings)
	}
	r := got[0].Run
	if r.ID != "abc" || r.Project != "project" || r.Commit != "c0ffee" || r.Start.UnixMilli() != 1700000000005 || !cmp.Equal(r.Tags, []string{"x", "y"}) {
		t.Errorf("%+v", r)
	}
	config := Table{}
	config.Apply(r.Config)
	if text := config.Text(); text != `{"lr":0.1,"net":{"layers":2}}` {
		t.Error(text)
	}
	config.Apply(got[2].Config)
	if text := config.Text(); text != `{"lr":0.2,"net":{}}` {
		t.Error(text)
	}
	if text := got[1].History.Table().Text(); text != `{"_step":3,"a":"NaN","b":{"x": ["Infinity", "NaN"]},"f":0.5,"i":-2,"s":"é\""}` {
		t.Error(text)
	}
	want := &Artifact{Type: "model", Name: "net", Aliases: []string{"best"}, Files: []ArtifactFile{{Path: "a.bin", Digest: "MD5", Local: "/tmp/a", Size: 7}}}
	if diff := cmp.Diff(want, got[3].Artifact); diff != "" {
		t.Error(diff)
	}
	if e := got[4].Exit; e.Code != 3 || e.Runtime.Seconds() != 60 {
		t.Errorf("%+v", e)
	}
}

// TestLargeRecords has records that do not fit a block, and ends of blocks that hold
// no piece.
func TestLargeRecords(t *testing.T) {
	t.Parallel()
	var records []message
	for _, n := range []int{blockSize - 40, 1, 3*blockSize + 11, 100_000, 0, 5} {
		records = append(records, history(int64(n), item(`"`+strings.Repeat("x", n)+`"`, "a")))
	}
	got, warnings := readAll(t, writeLog(records...))
	if len(got) != len(records) || warnings != nil {
		t.Fatalf("%d records, %v", len(got), warnings)
	}
	if n := len(got[2].History[0].JSON); n != 3*blockSize+13 {
		t.Errorf("%d bytes", n)
	}
}

// TestDamage passes over what is broken, and reads the rest.
func TestDamage(t *testing.T) {
	t.Parallel()
	var records []message
	for i := range 4000 {
		records = append(records, history(int64(i), item("1", "loss")))
	}
	whole := writeLog(records...)
	cut, warnings := readAll(t, whole[:len(whole)-3])
	if len(cut) != len(records)-1 || len(warnings) != 1 || !strings.Contains(warnings[0], "cut off") {
		t.Errorf("%d records, %v", len(cut), warnings)
	}
	longer, warnings := readAll(t, append(bytes.Clone(whole), make([]byte, 100)...))
	if len(longer) != len(records) || warnings != nil {
		t.Errorf("%d records, %v", len(longer), warnings)
	}
	broken := bytes.Clone(whole)
	broken[blockSize+2000] ^= 1
	rest, warnings := readAll(t, broken)
	if len(rest) >= len(records) || len(rest) < len(records)/2 || len(warnings) == 0 || !strings.Contains(warnings[0], "checksum") {
		t.Errorf("%d records, %v", len(rest), warnings)
	}
	for _, b := range []string{"", "x", ":W&B\xe1\xbe", "PK\x03\x04 a zip file"} {
		if err := Read(strings.NewReader(b), nil, nil); !errors.Is(err, ErrNoLog) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"wandb/offline-run-2_b/run-b.wandb", "wandb/run-1_a/run-a.wandb", "wandb/run-1_a/files/media/x.png", "wandb/run-3_c/files/y", "wandb/settings"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[string]string{"": "a b", "wandb": "a b", "wandb/run-1_a": "a", "wandb/offline-run-2_b/run-b.wandb": "b", "wandb/run-3_c": ""} {
		folders, err := Find(filepath.Join(dir, at))
		if err != nil {
			t.Error(err)
		}
		var names []string
		for _, f := range folders {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f.Log), "run-"), ".wandb"))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("at %q: %q, want %q", at, got, want)
		}
	}
	if _, err := Find(filepath.Join(dir, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	folders, err := Find(filepath.Join(dir, "wandb/run-1_a"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	if err := folders[0].Files(func(name, _ string) error { files = append(files, name); return nil }); err != nil || !cmp.Equal(files, []string{"media/x.png"}) {
		t.Errorf("%v, %v", files, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(writeLog(history(1, item("1", "loss"), item(`{"a":NaN}`, "a", "b")), message(nil).in(18, message(nil).int(1, 1))))
	f.Add(writeLog(message(nil).in(17, message(nil).text(1, "x").in(4, message(nil).in(1, item("1", "a")).in(2, item("", "a", "b"))))))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = Read(bytes.NewReader(b), func(string) {}, func(r *Record) error { use(r); return nil })
	})
}

// FuzzRecord is past the checksums.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(history(1, item("1", "loss"), item(`{"a":NaN}`, "a", "b"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := parse(b); err == nil && r != nil {
			use(r)
		}
	})
}

// use does with a record what an import does.
func use(r *Record) {
	t := Table{}
	if r.Run != nil {
		t.Apply(r.Run.Config)
	}
	t.Apply(r.Config)
	t.Apply(r.Summary)
	_ = t.Text() + r.History.Table().Text() + r.Stats.Table().Text()
}
