#!/usr/bin/env python3
"""Lets the samplers of "xt sweep" and Optuna's search the same functions, and
prints the medians of the best values that they find. See README.md."""

from __future__ import annotations

import argparse
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
OPTUNA_VERSION = "5.0.0"


def branin(t):
    a, b = t.suggest_float("x", -5, 10), t.suggest_float("y", 0, 15)
    return (b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


def hartmann6(t):
    x = [t.suggest_float(n, 0, 1) for n in "abcdef"]
    alpha = [1, 1.2, 3, 3.2]
    a = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
    p = [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
    return -sum(w * math.exp(-sum(ai * (xi - 1e-4 * pi) ** 2 for ai, xi, pi in zip(ar, x, pr))) for w, ar, pr in zip(alpha, a, p))


def rosen5(t):
    x = [t.suggest_float(n, -5, 10) for n in "abcde"]
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))


def mixed(t):
    lr, kind, depth = t.suggest_float("lr", 1e-5, 1, log=True), t.suggest_categorical("kind", range(4)), t.suggest_int("depth", 1, 16)
    return (math.log10(lr) + 3) ** 2 / 4 + [0.5, 0, 1, 0.3][kind] + (depth - 5) ** 2 / 50


def optuna_medians(seeds: int, trials: int) -> None:
    """Runs where Optuna is installed, and prints a line for each function and sampler."""
    import optuna

    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers = {
        "random": optuna.samplers.RandomSampler,
        "sobol": optuna.samplers.QMCSampler,
        "cmaes": optuna.samplers.CmaEsSampler,
        "tpe": optuna.samplers.TPESampler,
    }
    for objective in (branin, hartmann6, rosen5, mixed):
        for name, sampler in samplers.items():
            best, begin = [], time.perf_counter()
            for seed in range(seeds):
                study = optuna.create_study(sampler=sampler(seed=seed))
                study.optimize(objective, n_trials=trials)
                best.append(study.best_value)
            micros = (time.perf_counter() - begin) / seeds / trials * 1e6
            print(objective.__name__, name, statistics.median(best), micros, *quartiles(best), flush=True)


def quartiles(values: list[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def xt_medians() -> dict[tuple[str, str], tuple[float, float]]:
    """Runs the benchmark of pipeline/sweep, whose seeds and trials are 20 and 100."""
    argv = ["go", "test", "-run=^$", "-bench=Search", "-benchtime=1x", "./pipeline/sweep"]
    out = subprocess.run(argv, cwd=REPO, stdout=subprocess.PIPE, check=True, text=True).stdout
    found = {}
    for line in out.splitlines():
        if m := re.match(r"BenchmarkSearch/(\w+)/(\w+?)(?:-\d+)?\s", line):
            values = {unit: float(v) for v, unit in re.findall(r"(\S+) (best|us/trial)", line)}
            found[m[1], m[2]] = values["best"], values["us/trial"]
    return found


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--tools", type=Path, default=Path(tempfile.gettempdir()) / "xt-bench-tools", help="where what is installed is kept")
    args.add_argument("--python", help="a Python that has Optuna")
    args.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    opts = args.parse_args()
    if opts.inside:
        optuna_medians(20, 100)
        return
    from tools import install_python

    python = opts.python or install_python(opts.tools / "samplers", "optuna", OPTUNA_VERSION, "python", "cmaes==0.13.1", "scipy==1.17.1")
    out = subprocess.run([python, __file__, "--inside"], stdout=subprocess.PIPE, check=True, text=True).stdout
    ours = xt_medians()
    print("| function | sampler | xt | Optuna | its quartiles | xt, µs a trial | Optuna |\n|---|---|---|---|---|---|---|")
    for line in out.splitlines():
        function, name, *numbers = line.split()
        median, micros, low, high = map(float, numbers)
        best, mine = ours[function, name]
        print(f"| {function} | {name} | {best:.4g} | {median:.4g} | {low:.4g} … {high:.4g} | {mine:.0f} | {micros:.0f} |")


if __name__ == "__main__":
    sys.exit(main())
