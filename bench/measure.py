"""Runs of other programs, what they cost, and tables of it."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class Failed(Exception):
    """A program that was measured ended badly."""


@dataclass(frozen=True)
class Sample:
    """What one run of a program cost."""

    wall: float  # seconds
    cpu: float  # seconds, user and system, with the children it waited for
    rss: float  # MiB, the largest process; this Python's own, some 20, is the least that can be seen


def run(argv: Sequence[str], cwd: Path, env: dict[str, str], log: Path, timeout: float) -> Sample:
    """Runs argv once. wait4 gives the cost of this child alone."""
    with log.open("wb") as out:
        begin = time.perf_counter()
        child = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        late = threading.Timer(timeout, os.killpg, (child.pid, signal.SIGKILL))
        late.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        finally:
            late.cancel()
        wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        said = log.read_bytes()[-600:].decode(errors="replace").strip()
        why = f"killed after {wall:.0f} s" if wall >= timeout else f"exit code {child.returncode}"
        raise Failed(f"{' '.join(argv)}: {why}\n{said}")
    return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10)))


Key = tuple[str, str]  # step and tool


@dataclass
class Board:
    """The samples of a scenario, by step and tool, and what else was counted."""

    samples: dict[Key, list[Sample]] = field(default_factory=dict)
    figures: dict[Key, list[float]] = field(default_factory=dict)

    def add(self, step: str, tool: str, sample: Sample) -> None:
        self.samples.setdefault((step, tool), []).append(sample)
        print(f"  {step:<26} {tool:<14} {sample.wall:9.3f} s  cpu {sample.cpu:8.3f} s  {sample.rss:6.0f} MiB", file=sys.stderr, flush=True)

    def figure(self, what: str, tool: str, value: float) -> None:
        self.figures.setdefault((what, tool), []).append(value)
        print(f"  {what}: {tool} {number(value)}", file=sys.stderr, flush=True)

    def has(self, keys: Sequence[Key]) -> bool:
        return all(k in self.samples or k in self.figures for k in keys)

    def sum(self, keys: Sequence[Key], of: Callable[[Sample], float], pick: Callable[[Sequence[float]], float]) -> float:
        return sum(pick([of(s) for s in self.samples[k]]) for k in keys)

    def table(self) -> str:
        lines = ["| step | tool | n | wall s | least – most | cpu s | peak MiB |", "|---|---|--:|--:|--:|--:|--:|"]
        for (step, tool), all_ in self.samples.items():
            wall = [s.wall for s in all_]
            lines.append(
                f"| {step} | {tool} | {len(all_)} | {number(statistics.median(wall))} | {number(min(wall))} – {number(max(wall))} "
                f"| {number(statistics.median(s.cpu for s in all_))} | {max(s.rss for s in all_):.0f} |"
            )
        return "\n".join(lines) + self.figures_table()

    def figures_table(self) -> str:
        """Below the samples, if anything was counted."""
        lines = ["\n", "| what | tool | n | median | least – most |", "|---|---|--:|--:|--:|"]
        for (what, tool), all_ in self.figures.items():
            lines.append(f"| {what} | {tool} | {len(all_)} | {number(statistics.median(all_))} | {number(min(all_))} – {number(max(all_))} |")
        return "\n".join(lines) if self.figures else ""


@dataclass(frozen=True)
class Target:
    """What is asked of xt: that steps cost at most limit times as much as others."""

    what: str
    ours: Sequence[Key]
    theirs: Sequence[Key]
    limit: float

    def row(self, board: Board) -> str | None:
        if not board.has(self.ours) or not board.has(self.theirs):
            return None

        def ratio(of: Callable[[Sample], float], pick: Callable[[Sequence[float]], float]) -> float:
            return board.sum(self.ours, of, pick) / max(board.sum(self.theirs, of, pick), 1e-9)

        wall = ratio(lambda s: s.wall, statistics.median)
        least, cpu = ratio(lambda s: s.wall, min), ratio(lambda s: s.cpu, statistics.median)
        return f"| {self.what} | ≤ {number(self.limit)} × | {number(wall)} × | {number(least)} × | {number(cpu)} × | {verdict(wall <= self.limit)} |"


@dataclass(frozen=True)
class Bound:
    """What is asked of xt in absolute terms."""

    what: str
    limit: float
    unit: str
    value: Callable[[Callable[[Sequence[float]], float]], float]  # with how to pick from a step's samples
    needs: Sequence[Key]

    def row(self, board: Board) -> str | None:
        if not board.has(self.needs):
            return None
        mid, least = self.value(statistics.median), self.value(min)
        limit, middle, lowest = (f"{number(x)} {self.unit}".rstrip() for x in (self.limit, mid, least))
        return f"| {self.what} | ≤ {limit} | {middle} | {lowest} | | {verdict(mid <= self.limit)} |"


def targets_table(board: Board, targets: Sequence[Target | Bound]) -> str:
    rows = [row for t in targets if (row := t.row(board))]
    return "\n".join(["| target | asked | median | of the least walls | cpu | |", "|---|--:|--:|--:|--:|---|", *rows])


def verdict(met: bool) -> str:
    return "met" if met else "**missed**"


def number(x: float) -> str:
    """Three digits that mean something."""
    if x >= 100 or x == int(x):
        return f"{x:.0f}"
    return f"{x:.3g}" if x < 1 else f"{x:.2f}"
