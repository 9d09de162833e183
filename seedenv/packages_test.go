package seedenv

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestPackages(t *testing.T) {
	first, second, source := t.TempDir(), t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		"numpy-2.3.4.dist-info/METADATA":          "Name: numpy\n",
		"Foo.Bar_baz-1.0rc1+cu12.dist-info/x":     "",
		"odd-name-1.0.dist-info/METADATA":         "Metadata-Version: 2.1\nName: odd-name\nVersion: 1.0\n\nName: not this\n",
		"old-3.1-py3.11.egg-info":                 "",
		"dir-2.0-py3.8-linux-x86_64.egg-info/a":   "",
		"bare.egg-info/PKG-INFO":                  "Name: bare\nVersion: 7\n",
		"broken.dist-info/x":                      "",
		"linked.egg-link":                         source + "\n.",
		"ed-1.0.dist-info/direct_url.json":        `{"url":"file:///home/me/ed","dir_info":{"editable":true}}`,
		"git-1.0.dist-info/direct_url.json":       `{"url":"https://x","vcs_info":{"vcs":"git","commit_id":"abc"}}`,
		"zip-1.0.dist-info/direct_url.json":       `{"url":"https://x","archive_info":{"hashes":{"sha256":"12"}}}`,
		"local-1.0.dist-info/direct_url.json":     `{"url":"file:///x","dir_info":{}}`,
		"strange-1.0.dist-info/direct_url.json":   `{`,
		"numpy/__init__.py":                       "",
		"zipped-4.5-py3.11.egg/EGG-INFO/PKG-INFO": "",
	} {
		write(t, filepath.Join(first, filepath.FromSlash(path)), text)
	}
	write(t, filepath.Join(source, "linked.egg-info", "PKG-INFO"), "Name: linked\nVersion: 0.1\n")
	write(t, filepath.Join(second, "numpy-1.0.dist-info", "x"), "")
	write(t, filepath.Join(second, "only_second-1.0.dist-info", "x"), "")
	want := []string{
		"bare==7", "broken==unknown", "dir==2.0", "ed==1.0 (editable)", "foo-bar-baz==1.0rc1+cu12", "git==1.0 (git abc)",
		"linked==0.1 (editable)", "local==1.0 (local directory)", "numpy==2.3.4", "odd-name==1.0", "old==3.1",
		"only-second==1.0", "strange==1.0 (unknown origin)", "zip==1.0 (sha256=12)", "zipped==4.5",
	}
	slices.Sort(want)
	got := packages([]string{first, second, filepath.Join(first, "nowhere")})
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestInterpretersStartPythonOnce(t *testing.T) {
	python := anyPython(t)
	path := filepath.Join(t.TempDir(), "state", "interpreters.json")
	for i, want := range []int{1, 0, 0} {
		x := OpenInterpreters(path)
		e, err := x.Environment(t.Context(), python, t.TempDir(), os.Environ())
		if err != nil {
			t.Fatal(err)
		}
		if x.queries != want || e.Python[:8] != "cpython " || e.OS == "" {
			t.Errorf("run %d: %d starts, want %d; %+v", i, x.queries, want, e)
		}
	}
	for _, text := range []string{"{", `{"version":9}`, `{"version":1,"interpreters":{"a":{"stamp":1}}}`, "null"} {
		write(t, path, text)
		x := OpenInterpreters(path)
		if _, err := x.Look(t.Context(), python, t.TempDir(), os.Environ()); err != nil || x.queries != 1 {
			t.Errorf("memory %q: %v, %d starts", text, err, x.queries)
		}
	}
}

func TestInterpretersNoticeWhatAShimStandsFor(t *testing.T) {
	python := anyPython(t)
	root, project := t.TempDir(), t.TempDir()
	shim := filepath.Join(root, "shims", "python3")
	write(t, shim, "#!/bin/sh\nexport PYENV_ROOT=/x\nexec "+python+" \"$@\"\n")
	path := filepath.Join(root, "x.json")
	starts := func(environ ...string) int {
		x := OpenInterpreters(path)
		if _, err := x.Look(t.Context(), shim, project, append(os.Environ(), environ...)); err != nil {
			t.Fatal(err)
		}
		return x.queries
	}
	steps := []struct {
		name string
		do   func()
		env  string
		want int
	}{
		{"first", func() {}, "", 1},
		{"same", func() {}, "", 0},
		{"variable", func() {}, "PYENV_VERSION=3.8", 1},
		{"global", func() { write(t, filepath.Join(root, "version"), "3.9") }, "", 1},
		{"local", func() { write(t, filepath.Join(project, ".python-version"), "3.9") }, "", 1},
		{"local, same", func() {}, "", 0},
	}
	for _, step := range steps {
		step.do()
		if got := starts("PYENV_ROOT=", "PYENV_DIR=", step.env); got != step.want {
			t.Errorf("%s: %d starts, want %d", step.name, got, step.want)
		}
	}
	write(t, shim, "#!/bin/sh\n# of some other manager\nexec "+python+" \"$@\"\n")
	for range 2 {
		if starts() != 1 {
			t.Error("a shim whose rules are not known is to be asked each time")
		}
	}
}

func TestLookSaysWhatIsWrong(t *testing.T) {
	x := OpenInterpreters(filepath.Join(t.TempDir(), "x.json"))
	for name, script := range map[string]string{"failing": "#!/bin/sh\necho broken >&2; exit 3\n", "silent": "#!/bin/sh\n"} {
		path := filepath.Join(t.TempDir(), "python3")
		write(t, path, script)
		var missing *MissingError
		if _, err := x.Look(t.Context(), path, t.TempDir(), os.Environ()); !asError(err, &missing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte("Name: a\nVersion: 1\n\nbody"), []byte(`{"dir_info":{"editable":true}}`))
	f.Fuzz(func(t *testing.T, metadata, direct []byte) {
		parseMetadata(metadata)
		describeOrigin(direct)
	})
}
