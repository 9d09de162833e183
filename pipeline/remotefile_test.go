package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeProject(t *testing.T, text string) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.WriteFile(filepath.Join(root, ConfigFile), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return root
}

func readProject(t *testing.T, root string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAddRemote(t *testing.T) {
	const url = "s3://bucket/prefix"
	table := "[remote.origin]\nurl = \"" + url + "\"\n"
	for _, c := range []struct{ name, before, after string }{
		{"empty", "", table},
		{"other tables", "[project] # c\nname = 'x'\n", "[project] # c\nname = 'x'\n\n" + table},
		{"no line end", "# only a comment", "# only a comment\n\n" + table},
		{"byte order mark", "\ufeff# c\n", "\ufeff# c\n\n" + table},
		{"line ends of Windows", "# c\r\n", "# c\r\n\r\n" + strings.ReplaceAll(table, "\n", "\r\n")},
		{"another remote", "[remote.a]\nurl = 'gs://b'\n", "[remote.a]\nurl = 'gs://b'\n\n" + table},
		{"a dotted one", "remote.a.url = 'gs://b'\n", "remote.a.url = 'gs://b'\n\n" + table},
		{"an output waits for it", "[stage.a]\ncmd = 'x'\nouts = [{ path = 'o', remote = 'origin' }]\n", "[stage.a]\ncmd = 'x'\nouts = [{ path = 'o', remote = 'origin' }]\n\n" + table},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := writeProject(t, c.before)
			if err := AddRemote(root, "origin", Remote{URL: url}); err != nil {
				t.Fatal(err)
			}
			if got := readProject(t, root); got != c.after {
				t.Errorf("got %q, want %q", got, c.after)
			}
		})
	}
}

func TestAddRemoteRefused(t *testing.T) {
	for _, c := range []struct{ name, text, remote, url, want string }{
		{"there already", "[remote.a]\nurl = 'gs://b'\n", "a", "s3://b", "has a remote \"a\" already, in line 1"},
		{"name", "", "-a", "s3://b", `"-a" cannot be the name`},
		{"name that ends the table", "", "a]\n[x", "s3://b", "cannot be the name"},
		{"password", "", "a", "sftp://u:secret@host/p", "holds credentials"},
		{"token", "", "a", "s3://b?token=secret", "holds a credential (token)"},
		{"unknown store", "", "a", "ftp://b", "unknown store ftp://"},
		{"one line", "remote = { b = { url = 'gs://b' } }\n", "a", "s3://b", "in one line"},
		{"mistakes", "[stage.a]\ncmdd = 'x'\n", "a", "s3://b", `unknown key "cmdd"`},
		{"syntax", "[stage", "a", "s3://b", "xt.toml:1:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := writeProject(t, c.text)
			err := AddRemote(root, c.remote, Remote{URL: c.url})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
			if got := readProject(t, root); got != c.text {
				t.Errorf("the file became %q", got)
			}
		})
	}
}

func TestRemoveRemote(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"only it", "[remote.x]\nurl = 's3://b'\n", ""},
		{"last", "# top\n[params]\na = 1\n\n[remote.x] # mine\nurl = 's3://b' # c\n# inside\ndefault = true\n", "# top\n[params]\na = 1\n"},
		{"in between", "[params]\na = 1\n\n[remote.x]\nurl = 's3://b'\n\n# about y\n[remote.y]\nurl = 'gs://c'\n", "[params]\na = 1\n\n# about y\n[remote.y]\nurl = 'gs://c'\n"},
		{"first", "\ufeff[remote.x]\nurl = 's3://b'\n\n[params]\na = 1\n", "\ufeff[params]\na = 1\n"},
		{"comment above", "# about x\n[remote.x]\nurl = 's3://b'\n", "# about x\n"},
		{"dotted", "remote.x.url = 's3://b'\nremote.y.url = 'gs://c'\nremote.x.default = true\n", "remote.y.url = 'gs://c'\n"},
		{"below [remote]", "[remote]\nx.url = 's3://b'\ny.url = 'gs://c'\n", "[remote]\ny.url = 'gs://c'\n"},
		{"inline below [remote]", "[remote]\nx = { url = 's3://b' }\ny.url = 'gs://c'\n", "[remote]\ny.url = 'gs://c'\n"},
		{"several lines", "[remote.x]\nrecipients = [\n]\nurl = '''s3://b'''\n[params]\n", "[params]\n"},
		{"quoted name", "[remote.\"x\"]\nurl = 's3://b'\n", ""},
		{"line ends of Windows", "[params]\r\n\r\n[remote.x]\r\nurl = 's3://b'\r\n", "[params]\r\n"},
		{"no line end", "[params]\n[remote.x]\nurl = 's3://b'", "[params]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := writeProject(t, c.before)
			if err := RemoveRemote(root, "x"); err != nil {
				t.Fatal(err)
			}
			if got := readProject(t, root); got != c.after {
				t.Errorf("got %q, want %q", got, c.after)
			}
		})
	}
}

func TestRemoveRemoteRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown", "[remote.y]\nurl = 's3://b'\n", `no remote "x"`},
		{"none", "", `no remote "x"`},
		{"in use", "[remote.x]\nurl = 's3://b'\n[stage.a]\ncmd = 'c'\nouts = [{ path = 'o', remote = 'x' }]\n", `remote "x" is named by output o`},
		{"one line", "remote = { x = { url = 's3://b' }, y = { url = 'gs://c' } }\n", "cannot take it out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := writeProject(t, c.text)
			err := RemoveRemote(root, "x")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			if got := readProject(t, root); got != c.text {
				t.Errorf("the file became %q", got)
			}
		})
	}
}

// FuzzRemoveRemote checks that what is taken out is the remote and nothing else,
// and that adding one leaves what was there.
func FuzzRemoveRemote(f *testing.F) {
	for _, s := range []string{"[remote.x]\nurl='s3://b'\n", "remote.x.url='s3://b'", "[remote]\nx={url='s3://b'} # c\n", "remote={x={url='s3://b'}}", "[a]\n[remote.x]\nurl=\"\"\"s3://b\"\"\"\n[b]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, ConfigFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		err := AddRemote(root, "zz", Remote{URL: "s3://added"})
		if err != nil {
			return
		}
		if added := readProject(t, root); !strings.HasPrefix(added, text) {
			t.Fatalf("%q became %q", text, added)
		}
		if err := RemoveRemote(root, "zz"); err != nil {
			t.Fatalf("%q: what was added cannot be removed: %v", text, err)
		}
		g, err := Load(Dir(root))
		if errors.Is(err, os.ErrNotExist) || err == nil && g.Config.Remotes["zz"].URL != "" {
			t.Fatalf("%q: still there, %v", text, err)
		}
	})
}
