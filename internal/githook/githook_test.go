package githook

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func look(t *testing.T, d *Dir, want State) Hook {
	t.Helper()
	h, err := d.Look(PreCommit)
	if err != nil || h.State != want {
		t.Errorf("state %s, %v, want %s", h.State, err, want)
	}
	return h
}

func install(t *testing.T, d *Dir, project string, want bool) {
	t.Helper()
	if done, err := d.Install(PreCommit, project, false); err != nil || done != want {
		t.Errorf("install: %v, %v", done, err)
	}
}

// TestInstall goes through the states of a hook.
func TestInstall(t *testing.T) {
	d := &Dir{Path: filepath.Join(t.TempDir(), "hooks"), Program: "/it's/xt"}
	name := filepath.Join(d.Path, PreCommit)
	look(t, d, Absent)
	install(t, d, ".", true)
	install(t, d, ".", false)
	look(t, d, Installed)
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if h := look(t, d, Installed); h.Idle {
		install(t, d, ".", true)
	}
	if h := look(t, d, Installed); h.Idle {
		t.Error("it is not executable")
	}
	install(t, d, "a b", true)
	if h := look(t, d, Installed); strings.Join(h.Projects, "|") != ".|a b" {
		t.Errorf("projects %q", h.Projects)
	}
	if done, err := d.Uninstall(PreCommit, ".", false); !done || err != nil {
		t.Error(done, err)
	}
	look(t, d, Installed)
	if done, err := d.Uninstall(PreCommit, "other", false); done || err != nil {
		t.Error(done, err)
	}
	if done, err := d.Uninstall(PreCommit, "a b", false); !done || err != nil {
		t.Error(done, err)
	}
	look(t, d, Absent)
}

// TestRefused keeps what somebody else wrote.
func TestRefused(t *testing.T) {
	d := &Dir{Path: t.TempDir(), Program: "/xt"}
	name := filepath.Join(d.Path, PreCommit)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	write(name, "mine")
	look(t, d, Foreign)
	install(t, d, ".", true)
	if h := look(t, d, Installed); !h.Before || read(name+beforeSuffix) != "mine" {
		t.Error("the hook that was there is not kept")
	}
	var refused *RefusedError
	write(name, strings.Replace(read(name), "status=0", "status=0; more", 1))
	look(t, d, Edited)
	if _, err := d.Install(PreCommit, ".", false); !errors.As(err, &refused) {
		t.Error(err)
	}
	if _, err := d.Uninstall(PreCommit, ".", false); !errors.As(err, &refused) {
		t.Error(err)
	}
	write(name, "later")
	if _, err := d.Install(PreCommit, ".", true); !errors.As(err, &refused) || read(name) != "later" || read(name+beforeSuffix) != "mine" {
		t.Error(err)
	}
	if done, err := d.Uninstall(PreCommit, ".", true); done || err != nil {
		t.Error(done, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	install(t, d, ".", true)
	if done, err := d.Uninstall(PreCommit, ".", false); !done || err != nil || read(name) != "mine" {
		t.Error(done, err)
	}
	if _, err := d.Install(PreCommit, "a\nb", false); !errors.As(err, &refused) {
		t.Error(err)
	}
}
