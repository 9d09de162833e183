package seedenv

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// newBuilder returns a Builder for a project of its own whose requirements file
// holds text.
func newBuilder(t *testing.T, text string) (*Builder, Requirements, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "requirements.txt"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	b := &Builder{
		Dir:          filepath.Join(root, ".xt", "envs"),
		Root:         root,
		Environ:      os.Environ(),
		Interpreters: OpenInterpreters(filepath.Join(testCache(t), "interpreters.json")),
		Log:          log,
	}
	// Asking pip takes longer than the rest of a test.
	b.askPip.Do(func() { b.pip = pipForTests(b) })
	return b, readRequirements(t, b), log
}

var pipOnce sync.Once
var pipSettings map[string]string

func pipForTests(b *Builder) map[string]string {
	pipOnce.Do(func() {
		if python, err := defaultPython(b.Root, b.Environ); err == nil {
			pipSettings = b.pipSettings(context.Background(), python)
		}
	})
	return pipSettings
}

// testCache returns the directory that holds what tests need again and again.
func testCache(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(cache, "xt", "test-envs")
}

func readRequirements(t *testing.T, b *Builder) Requirements {
	t.Helper()
	read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(b.Root, name)) }
	r, err := ReadRequirements(read, "requirements.txt", "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// needIndex skips a test that needs Python and the package index where either
// is missing, so that the rest can be tested on a machine without.
func needIndex(t *testing.T, err error) {
	t.Helper()
	var missing *MissingError
	if asError(err, &missing) && os.Getenv("CI") == "" {
		t.Skipf("not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestBuildMakesTheEnvironmentThatTheRequirementsAskFor(t *testing.T) {
	t.Parallel()
	b, r, log := newBuilder(t, "idna\n")
	locked, err := b.Lock(t.Context(), r)
	needIndex(t, err)
	if !r.Resolved(locked) || !strings.Contains(string(locked), "\nidna==") {
		t.Fatalf("locked file:\n%s", locked)
	}
	env, err := b.Build(t.Context(), r, locked)
	needIndex(t, err)

	found, err := b.Interpreters.Look(t.Context(), env.Python, b.Root, b.Environ)
	if err != nil {
		t.Fatal(err)
	}
	if got := found.Environment(b.Root, nil).Packages; len(got) != 1 || !strings.HasPrefix(got[0], "idna==") {
		t.Errorf("packages %q, want only idna", got)
	}
	identity, err := b.Identity(t.Context(), r, locked)
	if err != nil || identity.Sum() != env.Environment.Sum() || identity.Locked != LockedSum(locked) {
		t.Errorf("identity %+v, %v; built %+v", identity, err, env.Environment)
	}

	log.Reset()
	if again, err := b.Build(t.Context(), r, locked); err != nil || again.Dir != env.Dir || log.Len() > 0 {
		t.Errorf("second build: %+v, %v, log %q", again, err, log)
	}
	// What somebody installed by hand is not part of it.
	if err := os.Mkdir(filepath.Join(found.Sites[0], "mine-1.0.dist-info"), 0o777); err != nil {
		t.Fatal(err)
	}
	if again, err := b.Build(t.Context(), r, locked); err != nil || !again.Intact() || !strings.Contains(log.String(), "somebody changed the packages") {
		t.Errorf("after a package was installed: %+v, %v, log %q", again, err, log)
	}
	// What a killed build leaves is repaired.
	os.Remove(filepath.Join(env.Dir, completion))
	os.RemoveAll(found.Sites[0])
	if _, err := b.Build(t.Context(), r, locked); err != nil {
		t.Fatal(err)
	}
	if got := packages(found.Sites); len(got) != 1 {
		t.Errorf("packages after repair: %q", got)
	}
}

func TestBuildByTwoAtOnceBuildsOnce(t *testing.T) {
	t.Parallel()
	b, r, _ := newBuilder(t, "idna\n")
	locked, err := b.Lock(t.Context(), r)
	needIndex(t, err)
	log := new(lockedBuffer)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			other := &Builder{Dir: b.Dir, Root: b.Root, Environ: b.Environ, Interpreters: b.Interpreters, Log: log}
			if _, err := other.Build(context.Background(), r, locked); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := strings.Count(log.String(), "building the environment"); n != 1 {
		t.Errorf("built %d times:\n%s", n, log)
	}
}

func TestLockKeepsPinsAndNoticesStaleness(t *testing.T) {
	t.Parallel()
	b, r, _ := newBuilder(t, "idna==3.6\n")
	first, err := b.Lock(t.Context(), r)
	needIndex(t, err)
	write(t, filepath.Join(b.Root, "requirements.txt"), "# looser\nidna>=3\n")
	r = readRequirements(t, b)
	if r.Resolved(first) {
		t.Error("changed requirements count as resolved")
	}
	second, err := b.Lock(t.Context(), r)
	needIndex(t, err)
	if !r.Resolved(second) || LockedSum(first) != LockedSum(second) {
		t.Errorf("pins changed:\n%s\n%s", first, second)
	}
}

func TestLockErrors(t *testing.T) {
	t.Parallel()
	b, r, _ := newBuilder(t, "idna==3.6\nidna==3.7\n")
	_, err := b.Lock(t.Context(), r)
	var missing *MissingError
	if asError(err, &missing) {
		t.Skipf("not here: %v", err)
	}
	if err == nil || !strings.Contains(err.Error(), "resolve requirements.txt:") || !strings.Contains(err.Error(), "idna==3.7") {
		t.Errorf("conflict: %v", err)
	}
	write(t, filepath.Join(b.Root, "requirements.txt"), "idna\n")
	b.Environ = append(without(b.Environ, "UV_CACHE_DIR"), "UV_OFFLINE=1", "UV_CACHE_DIR="+t.TempDir())
	if _, err := b.Lock(t.Context(), r); !asError(err, &missing) {
		t.Errorf("offline: %v, want a MissingError", err)
	}
	r.Version = "3.97"
	if _, err := b.Lock(t.Context(), r); !asError(err, &missing) || !strings.Contains(err.Error(), "no Python 3.97 (there is 3.") {
		t.Errorf("version: %v", err)
	}
	b.Environ = []string{"PATH=" + t.TempDir()}
	r.Version = ""
	if _, err := b.Lock(t.Context(), r); !asError(err, &missing) || missing.Hint == "" {
		t.Errorf("no Python: %v", err)
	}
}

func TestUVIsTheUsersIfThereIsOne(t *testing.T) {
	bin := t.TempDir()
	b := &Builder{Root: t.TempDir(), Environ: []string{"PATH=" + bin}}
	write(t, filepath.Join(bin, "uv"), "\x7fELF")
	got, err := b.uvPath(t.Context(), "python3")
	if err != nil || got != filepath.Join(bin, "uv") {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestIndexSettingsOfPipReachUV(t *testing.T) {
	cert := filepath.Join(t.TempDir(), "ca.pem")
	write(t, cert, "")
	pip := map[string]string{
		"index-url": "https://a/simple", "extra-index-url": "https://b https://c", "find-links": "/x  /y",
		"trusted-host": "a", "cert": cert, "default-timeout": "180", "no-index": "false",
	}
	got := translate(pip, nil)
	for name, want := range map[string]string{
		"UV_DEFAULT_INDEX": "https://a/simple", "UV_INDEX": "https://b https://c", "UV_FIND_LINKS": "/x,/y",
		"UV_INSECURE_HOST": "a", "SSL_CERT_FILE": cert, "UV_HTTP_TIMEOUT": "180", "UV_NO_INDEX": "",
	} {
		if got[name] != want {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
	got = translate(pip, []string{"UV_INDEX_URL=https://mine", "SSL_CERT_FILE=/mine"})
	if len(got) != 1 || got["UV_HTTP_TIMEOUT"] != "180" {
		t.Errorf("beside the user's own index: %v", got)
	}
}
