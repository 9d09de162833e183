#!/usr/bin/env python3
"""Lets MLflow's own server and "xt serve", both on SQLite, take turns at
answering the same requests, and prints how many each answers, how long they
take, how soon it starts and how much memory it holds. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import install_python, quietly

REPO = Path(__file__).resolve().parent.parent
MLFLOW_VERSION = "3.17.2"

# Name, the kind of request, clients at a time.
LOADS = [
    ("log_metric, 1 client", "metric", 1),
    ("log_metric, 16 clients", "metric", 16),
    ("log_metric, 200 clients", "metric", 200),
    ("log_batch of 1000, 1 client", "batch", 1),
    ("log_batch of 1000, 16 clients", "batch", 16),
    ("search among runs, 1 client", "search", 1),
]


class Server:
    """A server that runs, with a new store."""

    def __init__(self, argv: list[str], env: dict[str, str], cwd: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.store = cwd / "runs.db"
        self.log = (cwd / "log").open("wb")
        begin = time.perf_counter()
        self.process = subprocess.Popen(argv, env=env, cwd=cwd, stdout=self.log, stderr=self.log, start_new_session=True)
        self.wait()
        self.started = time.perf_counter() - begin

    def wait(self) -> None:
        for _ in range(60_000):
            try:
                with urllib.request.urlopen(self.url + "/health", timeout=1):
                    return
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError("the server ended: " + Path(self.log.name).read_text()[-2000:]) from None
                time.sleep(0.002)
        raise RuntimeError("the server does not answer")

    def memory(self) -> float:
        """MiB that the server and the processes below it hold, as far as Linux tells."""
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:  # the session
                    total += int(fields[21]) * os.sysconf("SC_PAGESIZE")
            except OSError:
                continue
        return total / (1 << 20)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def serving(tool: str, program: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="bench-tracking-") as name:
        cwd, port = Path(name), free_port()
        env = {**os.environ, "HOME": name, "MLFLOW_DISABLE_TELEMETRY": "true"}
        if tool == "xt":
            argv = [program, "serve", "--store", "runs.db", "--addr", f"127.0.0.1:{port}"]
        else:
            argv = [program, "server", "--backend-store-uri", "sqlite:///runs.db", "--artifacts-destination", str(cwd / "artifacts"), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        server = Server(argv, env, cwd, port)
        try:
            yield server
        finally:
            server.stop()


def fill(store: Path, runs: int) -> None:
    """Puts the runs that "clients -fill" makes into a database of MLflow's, which takes hours over HTTP."""
    ids = [uuid.uuid4().hex for _ in range(runs)]
    db = sqlite3.connect(store, timeout=60)
    with db:
        db.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id, source_version)"
            " VALUES (?, ?, 'UNKNOWN', '', '', '', 'RUNNING', 1, 'active', ?, 0, '')",
            ((id, f"run-{i}", f"mlflow-artifacts:/0/{id}/artifacts") for i, id in enumerate(ids)),
        )
        for metrics in ("metrics", "latest_metrics"):
            db.executemany(f"INSERT INTO {metrics} (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, 'm', ?, 1, 0, 0)", ((id, i % 100 + 0.5) for i, id in enumerate(ids)))
        db.executemany("INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)", ((id, key, value) for i, id in enumerate(ids) for key, value in (("p", str(i % 20)), ("q", str(i)))))
        db.executemany("INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)", ((id, key, value) for i, id in enumerate(ids) for key, value in (("t", str(i % 5)), ("mlflow.runName", f"run-{i}"))))
    db.close()


def measure(tool: str, program: str, clients: str, opts: argparse.Namespace) -> dict[str, dict[str, float]]:
    """One turn of a tool: figures by name."""
    figures: dict[str, dict[str, float]] = {}
    with serving(tool, program) as server:
        figures["start"] = {"seconds": server.started}

        def load(*args: str) -> bytes:
            return subprocess.run([clients, "-url", server.url, *args], check=True, capture_output=True).stdout

        for name, kind, n in LOADS:
            if kind == "search" and tool == "mlflow":
                fill(server.store, opts.runs)
            elif kind == "search":
                load("-fill", str(opts.runs))
            figures[name] = json.loads(load("-kind", kind, "-clients", str(n), "-seconds", str(opts.seconds), "-count"))
        figures["memory"] = {"MiB": server.memory()}
    for name, of in figures.items():
        print(f"  {tool:<7} {name:<30} " + "  ".join(f"{k} {v:.4g}" for k, v in of.items()), file=sys.stderr, flush=True)
    return figures


def table(turns: dict[str, list[dict[str, dict[str, float]]]]) -> str:
    def middle(tool: str, name: str, key: str) -> float:
        return statistics.median(t[name][key] for t in turns[tool])

    lines = ["| what | MLflow | xt | ratio | asked |", "|---|--:|--:|--:|--:|"]
    rows = [("start, s", "start", "seconds", False, ""), ("memory, MiB", "memory", "MiB", False, "")]
    lost = {}
    for name, kind, _ in LOADS:
        logs = kind != "search"
        if kind == "metric":
            lost[name] = {tool: int(sum(t[name]["lost"] for t in done)) for tool, done in turns.items()}
        rows += [(f"{name}: answers a second", name, "rate", True, "≥ 10" if logs else ""), (f"{name}: p99, ms", name, "p99", False, "≥ 5" if logs else "")]
    for title, name, key, more, asked in rows:
        theirs, ours = middle("mlflow", name, key), middle("xt", name, key)
        scale = 1000 if key == "p99" else 1
        ratio = ours / theirs if more else theirs / ours
        lines.append(f"| {title} | {theirs * scale:.4g} | {ours * scale:.4g} | {ratio:.3g} × | {asked} |")
    lines += [f"| {name}: points lost | {of['mlflow']} | {of['xt']} | | 0 |" for name, of in lost.items()]
    return "\n".join(lines)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rounds", type=int, default=3, help="turns of each server (default: 3)")
    p.add_argument("--seconds", type=float, default=10, help="of each load (default: 10)")
    p.add_argument("--runs", type=int, default=10_000, help="runs that are searched (default: 10000)")
    p.add_argument("--xt", help="a program to measure instead of building this one")
    p.add_argument("--mlflow", help="the mlflow to measure instead of installing one")
    kept = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "xt-bench")
    p.add_argument("--tools", default=kept, help="folder in which MLflow is installed and kept (default: %(default)s)")
    opts = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-tracking-") as scratch:
        programs = {}
        for name, package in (("xt", "./cmd/xt"), ("clients", "./bench/clients")):
            programs[name] = str(Path(scratch) / name)
            quietly(["go", "build", "-o", programs[name], package], REPO, dict(os.environ))
        programs["xt"] = opts.xt or programs["xt"]
        programs["mlflow"] = opts.mlflow or install_python(Path(opts.tools), "mlflow", MLFLOW_VERSION, "mlflow")
        turns: dict[str, list[dict[str, dict[str, float]]]] = {"mlflow": [], "xt": []}
        for _ in range(opts.rounds):
            for tool, done in turns.items():
                done.append(measure(tool, programs[tool], programs["clients"], opts))
    print(f"{os.cpu_count()} cores, MLflow {MLFLOW_VERSION} with one worker, {opts.runs} runs, load {os.getloadavg()[0]:.1f}\n\n{table(turns)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
