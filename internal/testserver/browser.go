package testserver

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
)

// Browser returns the path of Chromium, or of Chrome.
func Browser(t testing.TB) string {
	t.Helper()
	return need(t, browser)
}

// browser looks for Chromium, of which root may get the package of the system.
var browser = sync.OnceValues(func() (string, error) {
	if path, err := findBrowser(); err == nil {
		return path, nil
	}
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		return "", errors.New("there is no Chromium: install it, or Chrome")
	}
	if err := run("", nil, "apt-get", "update"); err != nil {
		return "", err
	}
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := run("", env, "apt-get", "install", "-y", "--no-install-recommends", "chromium"); err != nil {
		return "", err
	}
	return findBrowser()
})

func findBrowser() (path string, err error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", err
}
