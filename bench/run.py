#!/usr/bin/env python3
"""Runs DVC, dud, plain tools and xt in turns on the same work, and prints what
each costs and whether xt reaches its targets. See README.md."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import remotes
import scenarios
import tools
from data import remove
from measure import Board, targets_table
from scenarios import Bench

REPO = Path(__file__).resolve().parent.parent
SCENARIOS = scenarios.SCENARIOS | remotes.SCENARIOS


def main() -> int:
    opts = options()
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, interrupt)
    with contextlib.suppress(KeyboardInterrupt), folder(opts) as work:
        names = opts.scenario or list(SCENARIOS)
        remote = any(SCENARIOS[name].remote for name in names)
        programs = tools.find(REPO, Path(opts.tools), work, opts.xt, opts.dud, not opts.no_peers, remote)
        print(machine(work), flush=True)
        for name in names:
            scenario(name, opts, programs, work / name)
        return 0
    return 130


def options() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("scenario", nargs="*", help="all if none is named: " + ", ".join(SCENARIOS))
    p.add_argument("--work", help="folder to work in; it is left as it was (default: in memory if there is room, else the temporary folder)")
    p.add_argument("--rounds", type=int, default=3, help="how often each tool has its turn (default: 3)")
    p.add_argument("--peer-rounds", type=int, default=3, help="in how many of these DVC, dud and restic, which are slow, take part (default: 3)")
    p.add_argument("--scale", type=float, default=1, help="size of the work, 1 is what the targets are for; 0.01 tries everything out")
    p.add_argument("--link", default="", help="how xt links in bigfile and millionfiles: hardlink, copy, … (default: xt's own)")
    p.add_argument("--timeout", type=float, default=900, help="seconds after which a program is ended (default: 900)")
    p.add_argument("--xt", help="a program to measure instead of building this one")
    p.add_argument("--dud", help="the dud to measure (default: the one in PATH)")
    p.add_argument("--no-peers", action="store_true", help="without DVC, dud, restic and aws")
    kept = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "xt-bench")
    p.add_argument("--tools", default=kept, help="folder in which DVC and what else is needed are installed and kept (default: %(default)s)")
    p.add_argument("--json", help="append every sample to this file")
    opts = p.parse_args()
    for name in opts.scenario:
        if name not in SCENARIOS:
            p.error(f"unknown scenario {name!r}: there are {', '.join(SCENARIOS)}")
    return opts


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def folder(opts: argparse.Namespace) -> Iterator[Path]:
    """A new folder, which is gone at the end however that comes."""
    room = opts.scale * max(SCENARIOS[s].room for s in opts.scenario or SCENARIOS)
    work = Path(tempfile.mkdtemp(prefix="bench-xt-", dir=opts.work or roomy(room)))
    try:
        yield work
    finally:
        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(s, signal.SIG_IGN)
        remove(work)


def roomy(room: float) -> str:
    """A folder in memory, if it can hold so many bytes and leave some memory to the programs."""
    memory = Path("/dev/shm")
    if memory.is_dir() and min(shutil.disk_usage(memory).free, available()) > room + (2 << 30):
        return str(memory)
    return tempfile.gettempdir()


def available() -> float:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 0


def machine(work: Path) -> str:
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, IndexError):
        cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")).split(": ")[1]
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{date.today()}: {os.cpu_count()} cores, {cpu}, {platform.system()} {platform.release()}, {file_system(work)}, load {load}"


def file_system(path: Path) -> str:
    """The type of the file system that holds path."""
    best, kind = "", "unknown file system"
    with contextlib.suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            at, of = line.split()[1:3]
            if path.is_relative_to(at) and len(at) >= len(best):
                best, kind = at, of
    return kind


def scenario(name: str, opts: argparse.Namespace, programs: tools.Programs, work: Path) -> None:
    print(f"\n## {name}\n", flush=True)
    if SCENARIOS[name].remote and not programs.versitygw:
        print("left out: it needs an S3 server")
        return
    work.mkdir()
    bench = Bench(programs, work, opts.rounds, opts.peer_rounds, opts.scale, opts.link, opts.timeout)
    targets = SCENARIOS[name].measure(bench)
    print(bench.board.table(), "", targets_table(bench.board, targets), sep="\n", flush=True)
    if opts.json:
        keep(name, bench.board, opts)
    remove(work)


def keep(name: str, board: Board, opts: argparse.Namespace) -> None:
    with open(opts.json, "a") as f:
        for (step, tool), samples in board.samples.items():
            for s in samples:
                f.write(json.dumps({"scenario": name, "scale": opts.scale, "step": step, "tool": tool, **asdict(s)}) + "\n")
        for (what, tool), values in board.figures.items():
            for value in values:
                f.write(json.dumps({"scenario": name, "scale": opts.scale, "what": what, "tool": tool, "value": value}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
