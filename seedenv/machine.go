package seedenv

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Machine describes the machine, for the record of a run: kernel, processor,
// memory, C library, GPUs and their driver, whatever can be found out. It is in
// no fingerprint: a result may differ with it, but a stage is not stale because
// it is looked at elsewhere. It is worked out on the first call; asking the GPU
// driver can take a second.
func Machine() map[string]string { return machine() }

var machine = sync.OnceValue(func() map[string]string {
	facts := map[string]string{
		"os":   runtime.GOOS,
		"arch": runtime.GOARCH,
		"cpus": strconv.Itoa(runtime.NumCPU()),
	}
	for name, value := range systemFacts() {
		if value != "" {
			facts[name] = value
		}
	}
	if gpus := nvidia(); gpus != "" {
		facts["gpu"] = gpus
	}
	return facts
})

// ask runs a program that prints a fact, and returns what it printed; nothing
// if it is not there, fails or takes too long.
func ask(name string, args ...string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// nvidia returns name, memory and driver of each NVIDIA GPU, one a line.
func nvidia() string {
	return ask("nvidia-smi", "--query-gpu=name,memory.total,driver_version,compute_cap", "--format=csv,noheader")
}

// colonField returns the value of the first "key : value" line of a file.
func colonField(path, key string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
