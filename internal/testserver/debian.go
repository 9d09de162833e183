package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// unpackDebian unpacks Debian's packages, and those they need and this machine lacks,
// into a folder. Nothing in them is run.
func unpackDebian(dir string, names ...string) error {
	packages, err := lacking(names)
	if err != nil && os.Geteuid() == 0 && run("", nil, "apt-get", "update") == nil {
		packages, err = lacking(names)
	}
	if err != nil {
		return err
	}
	if err := run(dir, nil, "apt-get", append([]string{"download"}, packages...)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	for _, file := range files {
		if err == nil {
			err = errors.Join(run(dir, nil, "dpkg-deb", "-x", file, dir), os.Remove(file))
		}
	}
	return err
}

// lacking returns the packages that would have to be installed.
func lacking(names []string) ([]string, error) {
	cmd := exec.Command("apt-get", append([]string{"install", "--simulate", "--no-install-recommends"}, names...)...)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	var packages []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Inst" {
			packages = append(packages, f[1])
		}
	}
	return packages, nil
}
