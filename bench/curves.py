#!/usr/bin/env python3
"""Has an unmodified W&B client log a million points to "xt serve", one row of ten after
the other, and prints what that takes of the processor: in the client, with the process
that it keeps in the background, and in the server; and whether a point was lost. See
README.md."""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from studies import REPO, seconds_of, serving
from tools import install_python, quietly

WANDB_VERSION = "0.31.0"
KEYS = 10

CLIENT = """
import sys, wandb
rows, keys = int(sys.argv[1]), int(sys.argv[2])
with wandb.init(project="bench", id="bench") as run:
    for i in range(rows):
        run.log({"m%d" % k: i + k / 16 for k in range(keys)})
"""

COUNT = """
import sys, wandb
rows, keys = int(sys.argv[1]), int(sys.argv[2])
wrong = rows
for i, row in enumerate(wandb.Api().run("bench/bench").scan_history(page_size=10_000)):
    wrong -= row["_step"] == i and all(row["m%d" % k] == i + k / 16 for k in range(keys))
print(wrong)
"""


def measure(xt: str, python: str, rows: int) -> dict[str, float]:
    """One run of the client against a new store: figures by name."""
    with serving("xt", xt) as (port, pid), tempfile.TemporaryDirectory(prefix="bench-curves-") as home:
        env = {**os.environ, "HOME": home, "WANDB_BASE_URL": f"http://127.0.0.1:{port}", "WANDB_API_KEY": "0123456789" * 4, "WANDB_SILENT": "true"}
        argv = [str(rows), str(KEYS)]
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([python, "-c", CLIENT, *argv], cwd=home, env=env, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures = {
            "seconds": time.perf_counter() - begin,
            "client": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "server": seconds_of(pid),
        }
        done = subprocess.run([python, "-c", COUNT, *argv], cwd=home, env=env, check=True, capture_output=True, text=True)
        figures["wrong"] = float(done.stdout.split()[-1])
    print("  " + "  ".join(f"{k} {v:.4g}" for k, v in figures.items()), file=sys.stderr, flush=True)
    return figures


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rounds", type=int, default=3, help="how often (default: 3)")
    p.add_argument("--points", type=int, default=1_000_000, help="how many (default: 1,000,000)")
    p.add_argument("--xt", help="a program to measure instead of building this one")
    p.add_argument("--python", help=f"a Python that has wandb {WANDB_VERSION}, instead of installing it")
    kept = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "xt-bench")
    p.add_argument("--tools", default=kept, help="folder in which wandb is installed and kept (default: %(default)s)")
    opts = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-curves-") as scratch:
        xt = opts.xt or str(Path(scratch) / "xt")
        if not opts.xt:
            quietly(["go", "build", "-o", xt, "./cmd/xt"], REPO, dict(os.environ))
        python = opts.python or str(Path(install_python(Path(opts.tools), "wandb", WANDB_VERSION, "wandb")).with_name("python"))
        turns = [measure(xt, python, opts.points // KEYS) for _ in range(opts.rounds)]
    client, server = (statistics.median(t[k] for t in turns) for k in ("client", "server"))
    print(f"{os.cpu_count()} cores, wandb {WANDB_VERSION}, load {os.getloadavg()[0]:.1f}, {opts.points} points\n")
    print("| what | | asked |\n|---|--:|--:|")
    print(f"| seconds | {statistics.median(t['seconds'] for t in turns):.3g} | |")
    print(f"| processor of the client, s | {client:.3g} | |")
    print(f"| processor of the server, s | {server:.3g} | |")
    print(f"| server to client | {server / client:.2g} | < 1 |")
    print(f"| rows lost or wrong | {sum(t['wrong'] for t in turns):.0f} | 0 |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
