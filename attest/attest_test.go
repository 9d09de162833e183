package attest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"golang.org/x/crypto/ssh"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/lock"
)

// entry returns what xt.lock may have of a stage.
func entry() (*lock.Stage, *lock.Environment) {
	env := &lock.Environment{OS: "linux", Arch: "amd64", Python: "cpython 3.11.7", Packages: []string{"numpy==2.0.1"}}
	seed := int64(42)
	item := func(path string, k hash.Kind, text string) lock.Item {
		return lock.Item{Path: path, Node: hash.Node{Kind: k, Sum: hash.Bytes([]byte(text)), Size: int64(len(text))}}
	}
	return &lock.Stage{
		Name: "train", How: lock.Executed, Cmd: "python train.py", Fingerprint: hash.Fingerprint(hash.Bytes([]byte("inputs"))),
		Commit: strings.Repeat("ab", 20), Dirty: true, Seed: &seed, Environment: env.Sum(),
		Code:   []lock.Item{item("train.py", hash.File, "import this")},
		Deps:   []lock.Item{item("data", hash.Directory, "tree")},
		Outs:   []lock.Item{item("model.npz", hash.File, "weights"), item("run.sh", hash.Executable, "#!"), item("\xffname", hash.Symlink, "to")},
		Params: []lock.Param{{Key: "lr", Value: "0.1"}},
		Env:    map[string]string{"A": "\xff"},
	}, env
}

// newKey returns a key of ed25519, and its line among allowed signers.
func newKey(t testing.TB) (*Key, string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return &Key{signer: signer}, string(ssh.MarshalAuthorizedKey(pub))
}

func executed(t testing.TB, e *lock.Stage, env *lock.Environment, k *Key) *dsse.Envelope {
	t.Helper()
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	s, err := Execution(e, env, Run{now.Add(-time.Second), now, "v1.0.0"}, map[string]string{"model.npz": strings.Repeat("0f", 32)})
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := Sign(context.Background(), s, k)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func signers(t testing.TB, text string) []*Signer {
	t.Helper()
	list, err := ParseSigners("allowed_signers", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func standing(t testing.TB, b *Bundle, e *lock.Stage, list []*Signer) Standing {
	t.Helper()
	return b.Check(context.Background(), e, list).Standing
}

func TestCheck(t *testing.T) {
	e, env := entry()
	key, pub := newKey(t)
	other, otherPub := newKey(t)
	trusted := signers(t, "ada@example.org "+pub)
	b := &Bundle{}
	if got := standing(t, b, e, trusted); got != NotAttested {
		t.Errorf("no statement: %s", got)
	}
	if err := b.Add(e, executed(t, e, env, key)); err != nil {
		t.Fatal(err)
	}
	if got := standing(t, b, e, trusted); got != Attested {
		t.Errorf("a good statement: %s", got)
	}
	if got := standing(t, b, e, signers(t, "bob "+otherPub)); got != NotTrusted {
		t.Errorf("a key that is not on the list: %s", got)
	}
	if got := standing(t, b, e, nil); got != NotTrusted {
		t.Errorf("an empty list: %s", got)
	}

	forged := *e
	forged.Outs = append([]lock.Item{}, e.Outs...)
	forged.Outs[0].Sum = hash.Bytes([]byte("other weights"))
	if got := standing(t, b, &forged, trusted); got != Contradicted {
		t.Errorf("a forged output: %s", got)
	}
	forged = *e
	forged.Outs = e.Outs[:2]
	if got := standing(t, b, &forged, trusted); got != Contradicted {
		t.Errorf("an output that was left out: %s", got)
	}
	forged.Outs = append([]lock.Item{}, e.Outs...)
	forged.Outs[1].Kind = hash.File
	if got := standing(t, b, &forged, trusted); got != Contradicted {
		t.Errorf("another mode: %s", got)
	}
	forged = *e
	forged.Fingerprint = hash.Fingerprint(hash.Bytes([]byte("other inputs")))
	if got := standing(t, b, &forged, trusted); got != NotAttested {
		t.Errorf("other inputs: %s", got)
	}

	// The forger signs too, with a key that nobody trusts, or with none.
	forged.Fingerprint = e.Fingerprint
	forged.Outs = e.Outs[:1]
	lie := &Bundle{}
	for _, envelope := range []*dsse.Envelope{executed(t, &forged, env, other), {PayloadType: payloadType, Payload: executed(t, &forged, env, key).Payload}} {
		if err := lie.Add(&forged, envelope); err != nil {
			t.Fatal(err)
		}
		if got := standing(t, lie, &forged, trusted); got != NotTrusted {
			t.Errorf("a lie that is not signed by ada: %s", got)
		}
	}
}

// A single bit anywhere in an envelope's payload or signature makes it worthless.
func TestTampered(t *testing.T) {
	e, env := entry()
	key, pub := newKey(t)
	list := signers(t, "ada "+pub)
	good := executed(t, e, env, key)
	payload, _ := good.DecodeB64Payload()
	sig, _ := base64.StdEncoding.DecodeString(good.Signatures[0].Sig)
	for i := 0; i < len(payload)+len(sig); i++ {
		p, s := bytes.Clone(payload), bytes.Clone(sig)
		if i < len(p) {
			p[i] ^= 1
		} else {
			s[i-len(p)] ^= 1
		}
		bad := &dsse.Envelope{PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString(p),
			Signatures: []dsse.Signature{{KeyID: good.Signatures[0].KeyID, Sig: base64.StdEncoding.EncodeToString(s)}}}
		text, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if got := standing(t, ParseBundle(text), e, list); got == Attested || got == Contradicted {
			t.Fatalf("byte %d changed: %s", i, got)
		}
	}
}

func TestVerification(t *testing.T) {
	e, _ := entry()
	key, pub := newKey(t)
	list := signers(t, "ada "+pub)
	for _, c := range []struct {
		name string
		outs []Outcome
		want Standing
	}{
		{"identical", []Outcome{{"model.npz", "identical", true, true}}, Attested},
		{"close", []Outcome{{"model.npz", "within tolerance", true, false}}, Attested},
		{"differs", []Outcome{{"model.npz", "differs", false, false}, {"run.sh", "identical", true, true}}, Contradicted},
		{"the command failed", nil, Contradicted},
	} {
		s, err := Verification(e, c.outs, 1, Run{Finished: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		envelope, err := Sign(context.Background(), s, key)
		if err != nil {
			t.Fatal(err)
		}
		b := &Bundle{}
		if err := b.Add(e, envelope); err != nil {
			t.Fatal(err)
		}
		if got := standing(t, b, e, list); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Every sort of SSH key signs and is checked; what OpenSSH writes is read.
func TestKeys(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("no ssh-keygen")
	}
	e, env := entry()
	for _, args := range []string{"-t ed25519", "-t rsa -b 2048", "-t ecdsa -b 256", "-t ecdsa -b 521", "-t rsa -b 2048 -m PEM", "-t rsa -b 2048 -m PKCS8"} {
		file := filepath.Join(t.TempDir(), "key")
		if out, err := exec.Command("ssh-keygen", append(strings.Fields(args), "-q", "-N", "", "-f", file)...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %s: %v\n%s", args, err, out)
		}
		key, err := OpenKey(file, "")
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		pub, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		b := &Bundle{}
		if err := b.Add(e, executed(t, e, env, key)); err != nil {
			t.Fatal(err)
		}
		if got := standing(t, b, e, signers(t, "ada "+string(pub))); got != Attested {
			t.Errorf("%s: %s", args, got)
		}
	}
}

func TestOpenKeyWrong(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	_, pub := newKey(t)
	for name, want := range map[string]string{
		filepath.Join(dir, "none"):                 "no such file",
		file("text", []byte("hello")):              "no key",
		file("key.pub", []byte(pub)):               "no SSH agent",
		file("locked", pem.EncodeToMemory(locked)): "locked with a passphrase",
		"key::" + strings.TrimSpace(pub):           "no SSH agent",
	} {
		if _, err := OpenKey(name, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenKey(%q): %v, want %q", name, err, want)
		}
	}
}

func TestParseSigners(t *testing.T) {
	_, pub := newKey(t)
	pub = strings.TrimSpace(pub)
	for _, c := range []struct {
		line string
		n    int
		err  string
	}{
		{"# a comment\n\n ada,bob@example.org " + pub + " a comment", 1, ""},
		{`"ada l" ` + pub, 1, ""},
		{`ada namespaces="git,file" ` + pub, 0, ""},
		{`ada namespaces="git,xt-*" ` + pub, 1, ""},
		{`ada namespaces="*,!xt-attestation" ` + pub, 0, ""},
		{`ada valid-after="20260101Z",valid-before="202612312359" ` + pub, 1, ""},
		{"ada " + pub + "\nbob " + pub, 1, ""},
		{`ada valid-after="2026" ` + pub, 0, "allowed_signers:1: \"2026\" is no time"},
		{`ada cert-authority ` + pub, 0, "option cert-authority"},
		{"\nada", 0, "allowed_signers:2: want PRINCIPALS"},
		{`"ada ` + pub, 0, "quotation mark"},
		{"ada ssh-ed25519 AAAA", 0, "want PRINCIPALS"},
	} {
		list, err := ParseSigners("allowed_signers", []byte(c.line))
		if len(list) != c.n || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %d signers, %v; want %d, %q", c.line, len(list), err, c.n, c.err)
		}
	}
}

// A key counts for what was signed while it was to be trusted.
func TestTrusts(t *testing.T) {
	e, env := entry()
	key, pub := newKey(t)
	b := &Bundle{}
	if err := b.Add(e, executed(t, e, env, key)); err != nil { // of 2026-05-04
		t.Fatal(err)
	}
	for options, want := range map[string]Standing{
		`valid-after="20260505Z"`:                          NotTrusted,
		`valid-before="20260503Z"`:                         NotTrusted,
		`valid-after="20260504Z",valid-before="20260505Z"`: Attested,
	} {
		if got := standing(t, b, e, signers(t, "ada "+options+" "+pub)); got != want {
			t.Errorf("%s: %s, want %s", options, got, want)
		}
	}
}

// What a key stated before of the same sort is replaced; what others stated, and
// what xt does not know, stays.
func TestAdd(t *testing.T) {
	e, env := entry()
	ada, _ := newKey(t)
	bob, _ := newKey(t)
	b := ParseBundle([]byte("something else\n"))
	for _, k := range []*Key{ada, bob, ada} {
		if err := b.Add(e, executed(t, e, env, k)); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.lines) != 3 {
		t.Errorf("%d lines, want 3", len(b.lines))
	}
	file := filepath.Join(t.TempDir(), "new", FileName("a@b"))
	if err := b.Write(file); err != nil {
		t.Fatal(err)
	}
	read, err := ReadBundle(file)
	if err != nil || len(read.lines) != 3 {
		t.Fatalf("%v, %v", read, err)
	}
	next := *e
	next.Fingerprint = hash.Fingerprint(hash.Bytes([]byte("next")))
	if err := read.Add(&next, executed(t, &next, env, ada)); err != nil {
		t.Fatal(err)
	}
	if len(read.lines) != 2 {
		t.Errorf("%d lines, want 2", len(read.lines))
	}
}

// The reference implementations read what xt writes.
func TestInToto(t *testing.T) {
	environ := testserver.InToto(t)
	e, env := entry()
	key, pub := newKey(t)
	b := &Bundle{}
	if err := b.Add(e, executed(t, e, env, key)); err != nil {
		t.Fatal(err)
	}
	s, err := Verification(e, []Outcome{{"model.npz", "identical", true, true}}, 2, Run{Finished: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := Sign(context.Background(), s, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(e, envelope); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := b.Write(filepath.Join(dir, "bundle")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "key.pub"), []byte(pub), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "testdata/interop.py", filepath.Join(dir, "bundle"), filepath.Join(dir, "key.pub"))
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("good: %s\ngood: %s\n", ProvenanceType, TestResultType); err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

func FuzzParseBundle(f *testing.F) {
	e, env := entry()
	key, pub := newKey(f)
	list := signers(f, "ada "+pub)
	text, err := json.Marshal(executed(f, e, env, key))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{}]}`))
	f.Add([]byte("\n{}\nnull\n[]"))
	other := *e
	other.Outs = other.Outs[:1]
	f.Fuzz(func(t *testing.T, text []byte) {
		// Nobody but the holder of the key can state something else.
		if got := standing(t, ParseBundle(text), &other, list); got == Attested {
			t.Errorf("a forged statement is believed: %q", text)
		}
	})
}

func FuzzParseSigners(f *testing.F) {
	_, pub := newKey(f)
	f.Add([]byte(`ada namespaces="git",valid-after="20260101" ` + pub))
	f.Add([]byte(`"ada`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParseSigners("f", text)
		if err == nil {
			for _, s := range list {
				s.Trusts(time.Now())
			}
		}
	})
}
