package seedenv

import (
	"runtime"
	"slices"
	"strings"
)

// plainNames are the variables that say where things are on this machine, and
// that a command may count on without declaring it.
var plainNames = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "PWD",
	"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "PYTHONHOME", "PYTHONUNBUFFERED",
	"JAVA_HOME", "R_HOME", "JULIA_DEPOT_PATH", "CUDA_HOME", "CUDA_PATH",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
	"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
}

// windowsNames are more of them for Windows, where hardly anything starts without.
var windowsNames = []string{
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
}

// Plain returns of environ what says where things are on this machine, and the
// variables that are named: what is left when a stage gets no more than it
// declares.
func Plain(environ, names []string) []string {
	kept := slices.Concat(plainNames, names)
	if runtime.GOOS == "windows" {
		kept = append(kept, windowsNames...)
	}
	var plain []string
	for _, entry := range environ {
		key, _, _ := strings.Cut(entry, "=")
		if slices.ContainsFunc(kept, func(name string) bool { return sameName(key, name) }) {
			plain = append(plain, entry)
		}
	}
	return plain
}

// Locale returns variables that make a command independent of where, and in
// which language, somebody works. A locale that a system lacks does no harm:
// programs then behave as without one.
func Locale() map[string]string {
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8" // the C of macOS knows no UTF-8, and this sorts by code points too
	}
	// LANGUAGE goes over LC_ALL in programs that translate what they say, and LANG is
	// what some look at that do not ask the C library.
	return map[string]string{"LC_ALL": locale, "LANG": locale, "LANGUAGE": "", "TZ": "UTC"}
}
