package seedenv

import (
	"io/fs"
	"strings"
	"testing"
)

// files is a project's files by name.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func TestReadRequirementsFollowsInclusions(t *testing.T) {
	project := files{
		"req/all.txt":  "-r base.txt\n--constraint=../pins.txt\nnumpy\n-r https://example.org/x.txt\n",
		"req/base.txt": "-r all.txt\nrequests\n",
		"pins.txt":     "numpy<3\n",
	}
	before, err := ReadRequirements(project.read, "req/all.txt", "")
	if err != nil {
		t.Fatal(err)
	}
	project["req/all.txt"] = strings.ReplaceAll(project["req/all.txt"], "\n", "\r\n")
	if same, _ := ReadRequirements(project.read, "./req/all.txt", ""); same != before {
		t.Error("line ends and spelling of the path count")
	}
	project["pins.txt"] = "numpy<2\n"
	after, err := ReadRequirements(project.read, "req/all.txt", "")
	if err != nil || after.Sum == before.Sum {
		t.Errorf("a changed constraint does not count, %v", err)
	}
	delete(project, "pins.txt")
	if _, err := ReadRequirements(project.read, "req/all.txt", ""); err == nil || !strings.Contains(err.Error(), "pins.txt") {
		t.Errorf("missing file: %v", err)
	}
}

func TestResolved(t *testing.T) {
	project := files{"requirements.txt": "numpy\n"}
	r, _ := ReadRequirements(project.read, "requirements.txt", "")
	lock := []byte(r.header("3.11") + "numpy==2.3.4 \\\n    --hash=sha256:12\n    # via -r requirements.txt\n")
	if !r.Resolved(lock) || LockedPython(lock) != "3.11" {
		t.Error("not resolved by its own header")
	}
	r.Version = "3.11.7"
	if !r.Resolved(lock) {
		t.Error("3.11.7 is not 3.11")
	}
	r.Version = "3.12"
	if r.Resolved(lock) || r.Resolved(nil) {
		t.Error("another Python counts as resolved")
	}
	noted := []byte("# note\r\n" + strings.ReplaceAll(string(lock), "\n", "\r\n"))
	if LockedSum(lock) != LockedSum(noted) || LockedSum(lock) == LockedSum([]byte("numpy==2.3.5\n")) {
		t.Error("the digest is not that of the pins")
	}
	if LockName("req/dev.txt") != "req/dev.lock" {
		t.Error(LockName("req/dev.txt"))
	}
}

func TestCheckPins(t *testing.T) {
	for text, want := range map[string]bool{
		"-e ./pkg\nnumpy==2.3.4 \\\n    --hash=sha256:1\n":       true,
		"./pkg\n    # via x\n":                                   false,
		"pkg @ file:///home/me/pkg\n":                            false,
		"../dist/a-1-py3-none-any.whl \\\n    --hash=sha256:1\n": true,
		"pkg @ git+https://example.org/x@abc\n":                  true,
	} {
		if err := checkPins([]byte(text)); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzLockedFile(f *testing.F) {
	f.Add([]byte("# requirements: x\n# python: 3.11\na==1 \\\n"), "-r a.txt\n")
	f.Fuzz(func(t *testing.T, lock []byte, requirements string) {
		r, err := ReadRequirements(files{"requirements.txt": requirements}.read, "requirements.txt", "")
		if err != nil {
			return
		}
		r.Resolved(lock)
		_ = checkPins(lock)
		if LockedSum(lock) != LockedSum(append([]byte("# x\n"), lock...)) {
			t.Fatal("a comment counts")
		}
	})
}
