#!/usr/bin/env python3
"""Lets Optuna's own gRPC proxy, over its RDB storage in SQLite, and "xt serve" take
turns at keeping one study in which several processes search, and prints how many
trials are asked for and told each second, and whether one was lost or doubled. See
README.md."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import install_python, quietly

REPO = Path(__file__).resolve().parent.parent
OPTUNA_VERSION = "5.0.0"

# What the clients run: processes that are forked before there is a channel.
CLIENT = """
import json, multiprocessing, sys, time
import optuna
from optuna.storages import GrpcStorageProxy

port, workers, seconds, sampler = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
optuna.logging.set_verbosity(optuna.logging.ERROR)
fork = multiprocessing.get_context("fork")

def proxy():
    return GrpcStorageProxy(host="127.0.0.1", port=port)

def create():
    optuna.create_study(study_name="bench", storage=proxy())

def work(begin, told):
    study = optuna.load_study(study_name="bench", storage=proxy(), sampler=getattr(optuna.samplers, sampler)())
    begin.wait()
    end, numbers, slowest = time.perf_counter() + seconds, [], 0.0
    while (start := time.perf_counter()) < end:
        trial = study.ask()
        x, y = trial.suggest_float("x", -10, 10), trial.suggest_float("y", 1e-5, 1, log=True)
        kind = trial.suggest_categorical("kind", ["a", "b", "c"])
        study.tell(trial, x * x + y + len(kind))
        numbers.append(trial.number)
        slowest = max(slowest, time.perf_counter() - start)
    told.put((numbers, slowest))

def look(answers):
    trials = optuna.load_study(study_name="bench", storage=proxy()).trials
    answers.put([(t.number, t.state.name) for t in trials])

first = fork.Process(target=create)
first.start(); first.join()
begin, told, answers = fork.Barrier(workers), fork.Queue(), fork.Queue()
processes = [fork.Process(target=work, args=(begin, told)) for _ in range(workers)]
for p in processes: p.start()
results = [told.get() for _ in processes]
for p in processes: p.join()
last = fork.Process(target=look, args=(answers,))
last.start(); there = answers.get(); last.join()
numbers = sorted(n for r in results for n in r[0])
wrong = len(set(numbers) ^ {n for n, state in there if state == "COMPLETE"}) + len(numbers) - len(set(numbers))
print(json.dumps({"rate": len(numbers) / seconds, "slowest": max(r[1] for r in results), "wrong": wrong}))
"""

PROXY = """
import sys, optuna
optuna.storages.run_grpc_proxy_server(optuna.storages.get_storage("sqlite:///runs.db"), host="127.0.0.1", port=int(sys.argv[1]))
"""

# Name, processes, sampler.
LOADS = [("1 process, random", 1, "RandomSampler"), ("16 processes, random", 16, "RandomSampler"), ("16 processes, TPE", 16, "TPESampler")]
# Where the server is what is measured: TPE takes the clients themselves most of the time.
ASKED, ASKED_OF = 5, "16 processes, random"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def serving(tool: str, program: str) -> Iterator[tuple[int, int]]:
    """A server with a new store: its port, and the number of its process."""
    with tempfile.TemporaryDirectory(prefix="bench-studies-") as name:
        port, cwd = free_port(), Path(name)
        argv = [program, "serve", "--store", "runs.db", "--addr", f"127.0.0.1:{port}"] if tool == "xt" else [program, "-W", "ignore", "-c", PROXY, str(port)]
        log = (cwd / "log").open("wb")
        process = subprocess.Popen(argv, cwd=cwd, stdout=log, stderr=log, env={**os.environ, "HOME": name})
        try:
            for _ in range(3000):
                with socket.socket() as s:
                    if s.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None:
                    raise RuntimeError("the server ended: " + (cwd / "log").read_text()[-2000:])
                time.sleep(0.02)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()


def seconds_of(pid: int) -> float:
    """Processor time of a process, as far as Linux tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(tool: str, program: str, python: str, opts: argparse.Namespace) -> dict[str, dict[str, float]]:
    """One turn of a tool: figures by name."""
    figures: dict[str, dict[str, float]] = {}
    for name, workers, sampler in LOADS:
        with serving(tool, program) as (port, pid):
            argv = [python, "-W", "ignore", "-c", CLIENT, str(port), str(workers), str(opts.seconds), sampler]
            done = subprocess.run(argv, capture_output=True, check=True, text=True)
            figures[name] = json.loads(done.stdout)
            figures[name]["server"] = 1000 * seconds_of(pid) / max(1, figures[name]["rate"] * opts.seconds)
        print(f"  {tool:<7} {name:<22} " + "  ".join(f"{k} {v:.4g}" for k, v in figures[name].items()), file=sys.stderr, flush=True)
    return figures


def table(turns: dict[str, list[dict[str, dict[str, float]]]]) -> str:
    lines = ["| what | Optuna's proxy | xt | ratio | asked |", "|---|--:|--:|--:|--:|"]
    for name, _, _ in LOADS:
        for title, key, more in (("trials a second", "rate", True), ("slowest, s", "slowest", False), ("server's processor, ms a trial", "server", False), ("lost or doubled", "wrong", False)):
            theirs, ours = (statistics.median(t[name][key] for t in turns[tool]) for tool in ("optuna", "xt"))
            ratio = "" if key == "wrong" else f"{ours / theirs if more else theirs / ours:.3g} ×"
            lines.append(f"| {name}: {title} | {theirs:.4g} | {ours:.4g} | {ratio} | {f'≥ {ASKED}' if more and name == ASKED_OF else '0' if key == 'wrong' else ''} |")
    return "\n".join(lines)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rounds", type=int, default=3, help="turns of each server (default: 3)")
    p.add_argument("--seconds", type=float, default=10, help="of each load (default: 10)")
    p.add_argument("--xt", help="a program to measure instead of building this one")
    p.add_argument("--python", help="a Python that has Optuna, grpcio and protobuf, instead of installing them")
    kept = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "xt-bench")
    p.add_argument("--tools", default=kept, help="folder in which Optuna is installed and kept (default: %(default)s)")
    opts = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-studies-") as scratch:
        xt = opts.xt or str(Path(scratch) / "xt")
        if not opts.xt:
            quietly(["go", "build", "-o", xt, "./cmd/xt"], REPO, dict(os.environ))
        python = opts.python or install(Path(opts.tools))
        turns: dict[str, list[dict[str, dict[str, float]]]] = {"optuna": [], "xt": []}
        for _ in range(opts.rounds):
            for tool, done in turns.items():
                done.append(measure(tool, xt if tool == "xt" else python, python, opts))
    print(f"{os.cpu_count()} cores, Optuna {OPTUNA_VERSION}, load {os.getloadavg()[0]:.1f}\n\n{table(turns)}")
    return 0


def install(tools: Path) -> str:
    """Installs Optuna and what it needs for gRPC, and returns the Python that has it."""
    optuna = Path(install_python(tools, "optuna", OPTUNA_VERSION, "optuna"))
    python = str(optuna.parent / optuna.name.replace("optuna", "python"))
    quietly([python, "-m", "pip", "install", "--quiet", "grpcio", "protobuf"], REPO, dict(os.environ))
    return python


if __name__ == "__main__":
    sys.exit(main())
