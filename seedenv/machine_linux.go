package seedenv

import (
	"os"
	"path/filepath"
	"strings"
)

func systemFacts() map[string]string {
	return map[string]string{
		"kernel": fileText("/proc/sys/kernel/osrelease"),
		"cpu":    cpuModel(),
		"memory": colonField("/proc/meminfo", "MemTotal"),
		"libc":   libc(),
		"distro": distro(),
	}
}

func fileText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// cpuModel names the processor; on ARM the kernel gives only numbers.
func cpuModel() string {
	if model := colonField("/proc/cpuinfo", "model name"); model != "" {
		return model
	}
	return colonField("/proc/cpuinfo", "CPU part")
}

// libc tells the C library that most programs here are linked with.
func libc() string {
	if text := ask("getconf", "GNU_LIBC_VERSION"); text != "" {
		return text
	}
	if loaders, _ := filepath.Glob("/lib/ld-musl-*"); len(loaders) > 0 {
		return "musl"
	}
	return ""
}

func distro() string {
	for line := range strings.Lines(fileText("/etc/os-release")) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return ""
}
