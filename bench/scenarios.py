"""What is measured. A scenario fills a board and returns what is asked of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import data
from data import remove
from measure import Board, Bound, Failed, Key, Target, run
from tools import ENVIRONMENT, Dud, Dvc, Programs, Tool, Xt, quietly

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
Targets = list[Target | Bound]


@dataclass
class Bench:
    """What the scenarios share."""

    programs: Programs
    work: Path  # an empty folder on the file system to measure on
    rounds: int
    peer_rounds: int  # the slow ones take part only in so many
    scale: float
    link: str
    timeout: float
    board: Board = field(default_factory=Board)

    def __post_init__(self) -> None:
        # Nothing of the user's own settings may change what is measured.
        home = str(self.work / "home")
        os.makedirs(home)
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "RESTIC_"))}
        homes = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "DVC_SITE_CACHE_DIR": home + "/dvc"}
        self.env = {**mine, **ENVIRONMENT, **homes}

    def count(self, full: int, least: int = 10) -> int:
        return max(least, int(full * self.scale))

    def time(self, step: str, who: Tool | str, argv: list[str], cwd: Path) -> bool:
        """Measures one run. A peer that fails is left out; xt must not."""
        name = who if isinstance(who, str) else who.name
        os.sync()
        try:
            self.board.add(step, name, run(argv, cwd, self.env, self.work / "log", self.timeout))
        except Failed as err:
            if name.startswith("xt"):
                raise
            print(f"  {step:<26} {name:<14} failed: {err}")
            return False
        return True

    def peers(self, round_: int, link: str = "") -> list[Tool]:
        """The other tools that take part in a round."""
        p, tools = self.programs, list[Tool]()
        if round_ < self.peer_rounds:
            tools += [Dvc(p.dvc, link)] if p.dvc else []
            tools += [Dud(p.dud, link)] if p.dud else []
        return tools

    @contextmanager
    def project(self, tool: Tool) -> Iterator[Path]:
        """A fresh folder in which the tool has begun a project."""
        folder = self.work / "project"
        folder.mkdir()
        try:
            tool.begin(folder, self.env)
            yield folder
        finally:
            remove(folder)
            remove(Path(self.env["DVC_SITE_CACHE_DIR"]))


def copy(source: Path, to: Path) -> list[str]:
    return ["cp", "-a", "--reflink=never", str(source), str(to)]


def most_memory(board: Board, what: str, limit: float, tool: str) -> Bound:
    steps = [k for k in board.samples if k[1] == tool]
    return Bound(what, limit, "MiB", lambda pick: max(s.rss for k in steps for s in board.samples[k]), steps)


def big_file(b: Bench) -> Targets:
    """One file of 4 GiB: adding it, and hashing it again after it was touched."""
    source = b.work / "big"
    data.big_file(source, b.count(4 * GIB, MIB))
    xt = Xt(b.programs.xt, b.link)
    for r in range(b.rounds):
        for tool in [xt, *b.peers(r, "copy")]:
            with b.project(tool) as folder:
                source.rename(folder / "data")
                tool.before_add(folder, b.env)
                if b.time("add", tool, tool.add, folder):
                    touched(b, tool, folder)
                (folder / "data").rename(source)
        b.time("add", "cp", ["cp", "--reflink=never", str(source), str(b.work / "copy")], b.work)
        remove(b.work / "copy")
    return [
        Target("hash a file of 4 GiB, against b3sum", [("hash", xt.name)], [("hash", "b3sum")], 2),
        Target("add it, against cp", [("add", xt.name)], [("add", "cp")], 1.3),
    ]


def touched(b: Bench, tool: Tool, folder: Path) -> None:
    """Measures how long a tool takes to find that a touched file is the same."""
    for _ in range(2 if tool.name.startswith("xt") else 1):
        os.utime(folder / "data")
        b.time("hash", tool, tool.status, folder)
        if b.programs.b3sum and tool.name.startswith("xt"):
            b.time("hash", "b3sum", [b.programs.b3sum, "data"], folder)


def small_files(b: Bench) -> Targets:
    """100,000 files of 4 KiB: add, a status that finds nothing, checkout into an empty workspace."""
    source = b.work / "source"
    data.tree(source, b.count(100_000), 1000, 4 * KIB)
    for r in range(b.rounds):
        for tool in [Xt(b.programs.xt), Xt(b.programs.xt, "hardlink"), *b.peers(r)]:
            with b.project(tool) as folder:
                quick_copy(source, folder / "data")
                add_status_checkout(b, tool, folder)
        plain_copies(b, source)
    return [
        Target("add, against dvc", [("add", "xt")], [("add", "dvc")], 1 / 10),
        Target("add, against dud", [("add", "xt")], [("add", "dud")], 1),
        Target("add by hardlink, against dud, which moves and links too", [("add", "xt hardlink")], [("add", "dud")], 1),
        Target("add, against cp and b3sum", [("add", "xt")], [("add", "cp"), ("add", "b3sum")], 1.5),
        Target("status, against dvc", [("status", "xt")], [("status", "dvc")], 1 / 25),
        Target("status, against the walk", [("status", "xt")], [("status", "walk")], 1.5),
        Target("checkout, against dvc", [("checkout", "xt")], [("checkout", "dvc")], 1 / 10),
        Target("checkout by hardlink, against cp -al", [("checkout", "xt hardlink")], [("checkout", "cp -al")], 2),
        most_memory(b.board, "memory", 100, "xt"),
        most_memory(b.board, "memory, by hardlink", 100, "xt hardlink"),
    ]


def quick_copy(source: Path, to: Path) -> None:
    subprocess.run(copy(source, to), check=True)


def add_status_checkout(b: Bench, tool: Tool, folder: Path) -> None:
    tool.before_add(folder, b.env)
    if not b.time("add", tool, tool.add, folder):
        return
    for _ in range(3 if tool.name.startswith("xt") else 1):
        b.time("status", tool, tool.status, folder)
        if tool.name.startswith("xt"):
            b.time("status", "walk", [b.programs.walk, "data"], folder)
    remove(folder / "data")
    b.time("checkout", tool, tool.checkout, folder)


def plain_copies(b: Bench, source: Path) -> None:
    """What the same work costs without a tool."""
    b.time("add", "cp", copy(source, b.work / "copy"), b.work)
    if b.programs.b3sum:
        b.time("add", "b3sum", ["sh", "-c", 'find "$1" -type f -print0 | xargs -0 "$0"', b.programs.b3sum, str(source)], b.work)
    b.time("checkout", "cp -al", ["cp", "-al", str(source), str(b.work / "links")], b.work)
    remove(b.work / "links")
    remove(b.work / "copy")


def million_files(b: Bench) -> Targets:
    """1,000,000 files of 100 bytes: the same steps, and how much memory they take."""
    xt = Xt(b.programs.xt, b.link)
    for _ in range(b.rounds):
        with b.project(xt) as folder:
            data.tree(folder / "data", b.count(1_000_000), 1000, 100)
            add_status_checkout(b, xt, folder)
    return [
        Target("status, against the walk", [("status", xt.name)], [("status", "walk")], 2),
        most_memory(b.board, "memory", 1024, xt.name),
    ]


def stages(b: Bench) -> Targets:
    """1,000 stages that copy a file: a first run, runs and a status that find nothing, one change."""
    full = b.count(1000)
    xt = Xt(b.programs.xt)
    for r in range(b.rounds):
        run_stages(b, xt, full)
        spawn_stages(b, full)
        quarter = Xt(b.programs.xt)
        quarter.name = "xt, a quarter"
        run_stages(b, quarter, full // 4)
        for tool in b.peers(r):
            n = min(full, 100) if tool.name == "dvc" else full
            tool.name += f", {n} stages"
            run_stages(b, tool, n)
    first: Key = ("first run", "xt")

    def overhead(pick: Callable) -> float:
        return 1e3 / full * (b.board.sum([first], wall, pick) - b.board.sum([("first run", "spawn")], wall, pick))

    return [
        Bound("repro that finds nothing", 0.3, "s", lambda pick: b.board.sum([("nothing to do", "xt")], wall, pick), [("nothing to do", "xt")]),
        Bound("above spawning the command, per stage", 3, "ms", overhead, [first, ("first run", "spawn")]),
        Target("first run, against a quarter of the stages (linear: 4)", [first], [("first run", "xt, a quarter")], 4.4),
    ]


def wall(sample: object) -> float:
    return sample.wall


def run_stages(b: Bench, tool: Tool, n: int) -> None:
    with b.project(tool) as folder:
        data.stage_inputs(folder, n)
        tool.declare(folder, n, b.env)
        if not b.time("first run", tool, tool.repro, folder):
            return
        if isinstance(tool, Dud):  # it records nothing of a run until it is told to
            b.time("first run, commit", tool, tool.add, folder)
        for _ in range(3):
            b.time("nothing to do", tool, tool.repro, folder)
        b.time("status", tool, tool.status, folder)
        (folder / "in" / "0000").write_text("changed\n")
        b.time("one input changed", tool, tool.repro, folder)


def spawn_stages(b: Bench, n: int) -> None:
    folder = b.work / "spawn-stages"
    folder.mkdir()
    data.stage_inputs(folder, n)
    b.time("first run", "spawn", [b.programs.spawn, str(n)], folder)
    remove(folder)


def check(b: Bench) -> Targets:
    """A check of 1,000 stages, as a hook before a commit does it, of objects in git that are loose and that are packed."""
    xt = Xt(b.programs.xt)
    with b.project(xt) as folder:
        data.gated(folder, b.count(1000))
        quietly([xt.exe, "repro", "-q", "-j4"], folder, b.env)
        quietly(["git", "add", "-A"], folder, b.env)
        quietly(["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-qm", "all"], folder, b.env)
        steps: list[Key] = [("loose objects", xt.name), ("packed objects", xt.name)]
        for step, _ in steps:
            for _ in range(b.count(20, 3)):
                b.time(step, xt, [xt.exe, "check"], folder)
            quietly(["git", "gc", "-q"], folder, b.env)
    return [Bound(f"check, {key[0]}", 0.1, "s", lambda pick, key=key: b.board.sum([key], wall, pick), [key]) for key in steps]


def start_up(b: Bench) -> Targets:
    """A project of three stages in which nothing is to be done: how long a command takes to say so."""
    xt = Xt(b.programs.xt)
    for tool in [xt, *b.peers(0)]:
        with b.project(tool) as folder:
            data.stage_inputs(folder, 3)
            tool.declare(folder, 3, b.env)
            b.time("first run", tool, tool.repro, folder)
            for _ in range(b.count(20, 3) if tool is xt else 3):
                b.time("status", tool, tool.status, folder)
                b.time("--version", tool, [tool.exe, "version" if tool.name == "dud" else "--version"], folder)
    key: Key = ("status", xt.name)
    return [Bound("status of a small project", 20, "ms", lambda pick: 1e3 * b.board.sum([key], wall, pick), [key])]


def isolation(b: Bench) -> Targets:
    """What a clean directory and the watching of files add to stages that do nothing, to one with many inputs, and to a training."""
    stages, files = b.count(200), b.count(1000)
    modes = {"xt": [], "xt --isolated": ["--isolated"], "xt --trace": ["--trace"]}
    for folder in isolation_projects(b, {"trivial": stages, "inputs": files, "training": 2 * files}):
        step = folder.name
        quietly([b.programs.xt, "repro", "-q"], folder, b.env)
        for _ in range(b.rounds):
            for name, flags in modes.items():
                b.time(step, name, [b.programs.xt, "repro", "-q", "--force", *flags], folder)
            if step == "inputs":
                b.time(step, "cp, rm", ["sh", "-c", 'cp -a --reflink=never "$0" copy && rm -r copy', str(folder / "data")], b.work)

    def more(step: str, name: str, per: int, copies: int = 0) -> Callable:
        def ms(pick: Callable) -> float:
            least = b.board.sum([(step, "xt")] + [(step, "cp, rm")] * copies, wall, pick)
            return 1e3 / per * (b.board.sum([(step, name)], wall, pick) - least)

        return ms

    return [
        Bound("isolated: added to a stage", 50, "ms", more("trivial", "xt --isolated", stages), [("trivial", "xt --isolated")]),
        Bound("to one of 1,000 inputs, above copying and removing them", 50, "ms", more("inputs", "xt --isolated", 1, 1), [("inputs", "xt --isolated")]),
        Bound("traced: added to a stage", 50, "ms", more("trivial", "xt --trace", stages), [("trivial", "xt --trace")]),
        Target("traced: a training that reads 2,000 files", [("training", "xt --trace")], [("training", "xt")], 2),
    ]


def isolation_projects(b: Bench, sizes: dict[str, int]) -> Iterator[Path]:
    """Projects for isolation, one after the other."""
    for step, n in sizes.items():
        folder = b.work / step
        folder.mkdir()
        xt = Xt(b.programs.xt)
        xt.begin(folder, b.env)
        if step == "trivial":
            data.stage_inputs(folder, n)
            xt.declare(folder, n, b.env)
        else:
            data.tree(folder / "data", n, 1000, 4 * KIB)
            (folder / "train.py").write_text(data.TRAINING)
            cmd = "ls data | wc -l > out" if step == "inputs" else f"'{sys.executable}' train.py"
            (folder / "xt.toml").write_text(f'[stage.train]\ncmd = "{cmd}"\ncode = ["train.py"]\ndeps = ["data"]\nouts = ["out"]\nseed = 1\n')
        yield folder
        remove(folder)


@dataclass(frozen=True)
class Scenario:
    measure: Callable[[Bench], Targets]
    room: float  # bytes that it needs in its folder at full size
    remote: bool = False  # whether it needs an S3 server


SCENARIOS = {
    "bigfile": Scenario(big_file, 9 * GIB),
    "smallfiles": Scenario(small_files, 3 * GIB),
    "millionfiles": Scenario(million_files, 11 * GIB),
    "stages": Scenario(stages, 0.2 * GIB),
    "check": Scenario(check, 0.1 * GIB),
    "startup": Scenario(start_up, 0.1 * GIB),
    "isolation": Scenario(isolation, 0.2 * GIB),
}
