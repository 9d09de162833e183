package seedenv

import (
	"strconv"
	"strings"
)

// Seed is what a stage's randomness starts from.
type Seed struct {
	Value         *int64 // nil: unseeded
	Deterministic string // "off", "on" or "warn"
	Threads       int    // numeric worker threads when deterministic; below 1 counts as 1
}

// threadVars limit the worker threads of the numeric libraries. The order in
// which threads add up decides the rounding, so their number decides the result.
var threadVars = []string{
	"OMP_NUM_THREADS",        // OpenMP: PyTorch, scikit-learn, XGBoost, LightGBM
	"MKL_NUM_THREADS",        // Intel MKL
	"OPENBLAS_NUM_THREADS",   // OpenBLAS: NumPy and SciPy wheels
	"BLIS_NUM_THREADS",       // BLIS
	"VECLIB_MAXIMUM_THREADS", // Accelerate on macOS
	"NUMEXPR_NUM_THREADS",    // NumExpr, and pandas through it
	"TF_NUM_INTRAOP_THREADS", // TensorFlow, within an operation
	"TF_NUM_INTEROP_THREADS", // TensorFlow, between operations
}

// fixedVars make libraries give the same result for the same threads.
var fixedVars = map[string]string{
	"OMP_DYNAMIC":                 "FALSE", // the number of threads is as said, not as the load allows
	"MKL_DYNAMIC":                 "FALSE",
	"MKL_CBWR":                    "AUTO", // MKL: deterministic reductions, whatever the alignment of the data
	"KMP_DETERMINISTIC_REDUCTION": "TRUE", // LLVM's and Intel's OpenMP: one order of adding up
	"CUBLAS_WORKSPACE_CONFIG":     ":4096:8",
	"TORCHINDUCTOR_DETERMINISTIC": "1", // torch.compile: no choice of kernels by their speed today
	"TF_CUDNN_DETERMINISTIC":      "1", // TensorFlow 1.14 to 2.8; later ones go by the next
}

// These make TensorFlow and XLA (under JAX and TensorFlow) deterministic, and
// refuse operations that cannot be: neither has a way of only warning.
const (
	tfRefusing  = "TF_DETERMINISTIC_OPS"
	xlaFlags    = "XLA_FLAGS"
	xlaRefusing = "--xla_gpu_deterministic_ops=true"
)

// Vars returns the variables that follow from a seed. They are to replace what
// base, the caller's own environment, holds of the same names: else a result
// would depend on a variable that is in no fingerprint. Only XLA_FLAGS is added
// to, because it carries flags of every kind. Without a value and with
// determinism off, nothing is set.
func Vars(seed Seed, base []string) map[string]string {
	vars := make(map[string]string)
	if seed.Value != nil {
		vars["XT_SEED"] = strconv.FormatInt(*seed.Value, 10)
		vars["PYTHONHASHSEED"] = strconv.FormatUint(uint64(uint32(*seed.Value)), 10)
	}
	if seed.Deterministic == "on" || seed.Deterministic == "warn" {
		deterministic(vars, seed, get(base, xlaFlags))
	}
	return vars
}

func deterministic(vars map[string]string, seed Seed, flags string) {
	vars["XT_DETERMINISTIC"] = seed.Deterministic
	threads := strconv.Itoa(max(seed.Threads, 1))
	for _, name := range threadVars {
		vars[name] = threads
	}
	for name, value := range fixedVars {
		vars[name] = value
	}
	if seed.Deterministic == "on" {
		vars[tfRefusing] = "1"
		vars[xlaFlags] = addFlag(flags, xlaRefusing)
	} else {
		vars[tfRefusing] = "0"
	}
}

// addFlag appends flag ("--name=value") to flags, dropping what the user said
// about the same name.
func addFlag(flags, flag string) string {
	name, _, _ := strings.Cut(flag, "=")
	words := []string{}
	for _, word := range strings.Fields(flags) {
		if key, _, _ := strings.Cut(word, "="); key != name {
			words = append(words, word)
		}
	}
	return strings.Join(append(words, flag), " ")
}
