package seedenv

import (
	"os"
	"strings"
	"testing"
)

// needSwitch skips a test that downloads gigabytes unless it is asked for:
// XT_TEST_TORCH=1, XT_TEST_TENSORFLOW=1, XT_TEST_JAX=1.
func needSwitch(t *testing.T, name string) {
	t.Helper()
	if os.Getenv(name) == "" {
		t.Skipf("set %s=1 to run it: it downloads much", name)
	}
}

// ownSeeds is what people write by hand: it must not be disturbed.
const ownSeeds = `
import random, numpy as np, torch
def seeded(seed):
    random.seed(seed); np.random.seed(seed); torch.manual_seed(seed); torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
seeded(123)
print(torch.randn(3).tolist(), np.random.rand(), random.random())
`

func TestHookSeedsTorch(t *testing.T) {
	needSwitch(t, "XT_TEST_TORCH")
	t.Parallel()
	python := testEnv(t, "numpy==2.*\ntorch\n")
	s := script{python: python, seed: 42, args: []string{"-c", `
import torch, sys
first = torch.randn(3)
print(first.tolist() == torch.randn(3, generator=torch.Generator().manual_seed(42)).tolist())
print(torch.get_deterministic_debug_mode(), torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
print(torch.cuda.is_initialized(), "torch._inductor.config" in sys.modules)
import torch._inductor.config as config; print(config.deterministic)
from torch.utils.data import DataLoader
print(first.tolist(), [b.tolist() for b in DataLoader(list(range(9)), shuffle=True, batch_size=3)])
`}}
	got := s.run(t)
	if want := "True\n2 True False\nFalse False\nTrue\n"; !strings.HasPrefix(got, want) || got != s.run(t) {
		t.Errorf("got:\n%s\nthen:\n%s\nwant it to begin:\n%s", got, s.run(t), want)
	}
	own := script{python: python, seed: 42, args: []string{"-c", ownSeeds}}
	with := own.run(t)
	own.unset = true
	if without := own.run(t); with != without {
		t.Errorf("own seeds: with the hook\n%s\nwithout\n%s", with, without)
	}
}

func TestHookSeedsTensorFlow(t *testing.T) {
	needSwitch(t, "XT_TEST_TENSORFLOW")
	t.Parallel()
	s := script{python: testEnv(t, "tensorflow-cpu\n"), seed: 42, args: []string{"-W", "ignore", "-c", `
import os; os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf, keras, numpy as np
from tensorflow.python.framework import config
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
model.compile("adam", "mse")
x = np.random.rand(64, 4)
loss = model.fit(x, x.sum(1), epochs=2, verbose=0).history["loss"]
print("RESULT", config.is_op_determinism_enabled(), tf.random.normal([2]).numpy().tolist(), loss)
`}}
	got, again := resultLine(s.run(t)), resultLine(s.run(t))
	if !strings.HasPrefix(got, "RESULT True ") || got != again {
		t.Errorf("got %q, then %q", got, again)
	}
}

func TestVarsSuitJAX(t *testing.T) {
	needSwitch(t, "XT_TEST_JAX")
	t.Parallel()
	// XLA ends the process if it does not know a flag.
	s := script{python: testEnv(t, "jax\n"), seed: 42, args: []string{"-c", `
import jax, jax.numpy as jnp
x = jax.random.normal(jax.random.key(0), (500, 500))
print("RESULT", float(jax.jit(lambda x: jnp.sum(jnp.exp(x @ x.T / 500)))(x)))
`}}
	got, again := resultLine(s.run(t)), resultLine(s.run(t))
	if !strings.HasPrefix(got, "RESULT ") || got != again {
		t.Errorf("got %q, then %q", got, again)
	}
}

func resultLine(out string) string {
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "RESULT") {
			return strings.TrimSpace(line)
		}
	}
	return out
}
