package registry

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/internal/git"
)

// sshKey makes a key for signing, and returns its public half.
func sshKey(t *testing.T, name string) string {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", name).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	b, err := os.ReadFile(name + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSign signs with a key of SSH, and asks git what it thinks of it.
func TestSign(t *testing.T) {
	r := newRepo(t)
	dir := t.TempDir()
	key, allowed := filepath.Join(dir, "key"), filepath.Join(dir, "allowed signers")
	public := sshKey(t, key)
	r.git("config", "gpg.format", "ssh")
	r.git("config", "user.signingKey", key+".pub")
	x := r.open()
	register := func(sign Signing, want git.Trust, by string) *Event {
		t.Helper()
		ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit(), Sign: sign})
		if err != nil {
			t.Fatal(err)
		}
		v, err := load(t, x).Models["m"].Find(ch.Version)
		if err != nil {
			t.Fatal(err)
		}
		s := x.Signature(t.Context(), v.Registered)
		if s.Trust != want || s.By != by || (s.Why != "") != (want == git.Unchecked || want == git.Bad) {
			t.Errorf("got %+v, want %s by %q", s, want, by)
		}
		return v.Registered
	}
	register(NotSigned, git.Unsigned, "")
	register(AsConfigured, git.Unchecked, "") // there is a key, and nobody who knows it
	if err := os.WriteFile(allowed, []byte("ada@example.org namespaces=\"git\" "+public), 0o666); err != nil {
		t.Fatal(err)
	}
	r.git("config", "gpg.ssh.allowedSignersFile", allowed)
	e := register(Signed, git.Good, "ada@example.org")
	if out := r.git("verify-tag", "--raw", e.Tag); !strings.Contains(out, "Good") {
		t.Error(out)
	}
	r.git("config", "tag.gpgSign", "false")
	register(AsConfigured, git.Unsigned, "")
	r.git("config", "tag.gpgSign", "true")
	register(AsConfigured, git.Good, "ada@example.org")

	// Another key, which nobody allowed.
	other := filepath.Join(dir, "other")
	sshKey(t, other)
	r.git("config", "user.signingKey", other)
	register(AsConfigured, git.Unchecked, "")

	// The bytes of a signed tag, changed.
	text := strings.Replace(r.git("cat-file", "tag", e.Tag), "v0.0.3", "v9.0.0", 2)
	cmd := exec.Command("git", "hash-object", "-t", "tag", "-w", "--stdin")
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(text+"\n")
	object, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	r.git("update-ref", "refs/tags/m@v9.0.0", strings.TrimSpace(string(object)))
	v, err := load(t, x).Models["m"].Find("v9.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if s := x.Signature(t.Context(), v.Registered); s.Trust != git.Bad || s.By != "" {
		t.Errorf("%+v", s)
	}

	r.git("config", "user.signingKey", filepath.Join(dir, "gone"))
	if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit()}); err == nil || !strings.Contains(err.Error(), "cannot sign the tag") {
		t.Error(err)
	}
	if out := r.git("tag", "-l", "m@v9.0.1"); out != "" {
		t.Errorf("a tag without a signature: %s", out)
	}
}

// TestWithoutGit does it all without a git command.
func TestWithoutGit(t *testing.T) {
	r := newRepo(t)
	one, two := r.commit(), r.commit()
	r.tag("m@v0.0.1", one)
	r.git("pack-refs", "--all")
	t.Run("alone", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		x := r.open()
		if ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: two}); err != nil || ch.Version != "v0.0.2" {
			t.Fatal(ch, err)
		}
		for _, v := range []string{"1", "2"} {
			if _, err := x.Promote(t.Context(), Promotion{Model: "m", Version: v, Stage: "prod", Archive: true}); err != nil {
				t.Fatal(err)
			}
		}
		if got := holders(load(t, x).Models["m"]); got != "archived=v0.0.1 prod=v0.0.2" {
			t.Error(got)
		}
		if _, err := x.Promote(t.Context(), Promotion{Model: "m", Version: "1", Stage: "dev", Sign: Signed}); err == nil {
			t.Error("a signature without git")
		}
	})
	if out := r.git("fsck", "--strict"); strings.Contains(out, "error") {
		t.Error(out)
	}
	if got := holders(load(t, r.open()).Models["m"]); got != "archived=v0.0.1 prod=v0.0.2" {
		t.Error(got)
	}
}

// TestUnusual works in a bare clone, in a linked worktree and with SHA-256.
func TestUnusual(t *testing.T) {
	r := newRepo(t)
	one := r.commit()
	bare, linked, sha256 := filepath.Join(t.TempDir(), "bare"), filepath.Join(t.TempDir(), "linked"), t.TempDir()
	r.git("worktree", "add", "-q", linked)
	r.git("clone", "-q", "--bare", ".", bare)
	for _, dir := range []string{bare, linked} {
		x := (&repo{t: t, dir: dir}).open()
		if ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: one}); err != nil || ch.Version != "v0.0.1" {
			t.Errorf("%s: %v %v", dir, ch, err)
		}
	}
	if r.git("tag") != "m@v0.0.1" {
		t.Error(r.git("tag"))
	}
	s := &repo{t: t, dir: sha256}
	s.git("init", "-q", "-b", "main", "--object-format=sha256")
	x := s.open()
	if ch, err := x.Register(t.Context(), Registration{Model: "m", Commit: s.commit()}); err != nil || len(ch.Commit) != 64 {
		t.Error(ch, err)
	}
	if ch, err := x.Promote(t.Context(), Promotion{Model: "m", Stage: "prod"}); err != nil || load(t, x).Models["m"].Holder("prod") == nil {
		t.Error(ch, err)
	}
}

// TestOpenPGP signs with a key of OpenPGP.
func TestOpenPGP(t *testing.T) {
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip(err)
	}
	r := newRepo(t)
	home, err := os.MkdirTemp("", "g") // the path of the agent's socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	t.Setenv("GNUPGHOME", home)
	if out, err := exec.Command("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "Ada <ada@example.org>", "ed25519", "sign", "never").CombinedOutput(); err != nil {
		t.Skipf("gpg: %v: %s", err, out)
	}
	r.git("config", "user.signingKey", "ada@example.org")
	x := r.open()
	if _, err := x.Register(t.Context(), Registration{Model: "m", Commit: r.commit()}); err != nil {
		t.Fatal(err)
	}
	e := load(t, x).Models["m"].Versions[0].Registered
	if s := x.Signature(t.Context(), e); s.Trust != git.Good || s.By != "Ada <ada@example.org>" || s.Key == "" {
		t.Errorf("%+v", s)
	}
	t.Setenv("GNUPGHOME", t.TempDir())
	if s := x.Signature(t.Context(), e); s.Trust != git.Unchecked || s.By != "" || s.Key == "" || s.Why == "" {
		t.Errorf("%+v", s)
	}
}
