"""What is measured of remotes: all goes to and comes from an S3 server on this machine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import data
from data import remove
from measure import Bound, Target
from scenarios import GIB, KIB, MIB, Bench, Scenario, Targets, most_memory, quick_copy, wall
from server import Place, Server, s3
from tools import Dvc, Restic, Tool, Xt, aws_copy, quietly


def server(b: Bench) -> AbstractContextManager[Server]:
    return s3(b.programs.versitygw, b.work / "s3")


def with_remotes(b: Bench, round_: int, link: str = "") -> list[Tool]:
    """The tools that take part in a round."""
    p, tools = b.programs, [Xt(b.programs.xt, link)]
    if round_ < b.peer_rounds:
        tools += [Dvc(p.dvc, link)] if p.dvc else []
        tools += [Restic(p.restic)] if p.restic else []
    return tools


def add(b: Bench, tool: Tool, folder: Path, step: str = "add") -> bool:
    """Measures what comes before a push, with the tools for which it is a step of its own."""
    return not tool.add or b.time(step, tool, tool.add, folder)


def remote_small(b: Bench) -> Targets:
    """100,000 files of 4 KiB: push to an empty place, push when nothing is to be sent, pull into a fresh clone."""
    source = b.work / "source"
    data.tree(source, b.count(100_000), 1000, 4 * KIB)
    with server(b) as s:
        for r in range(b.rounds):
            for tool in with_remotes(b, r):
                with s.place() as place, b.project(tool) as folder:
                    quick_copy(source, folder / "data")
                    tool.remote(folder, place, b.env)
                    push_and_pull(b, tool, folder, place)
    return [
        Target("push, against dvc", [("push", "xt")], [("push", "dvc")], 1 / 15),
        Target("pull, against dvc", [("pull", "xt")], [("pull", "dvc")], 1 / 15),
        Bound("push again", 1, "s", lambda pick: b.board.sum([("push again", "xt")], wall, pick), [("push again", "xt")]),
        figure(b, "objects stored", 100, "", "xt"),
    ]


def push_and_pull(b: Bench, tool: Tool, folder: Path, place: Place) -> None:
    if not add(b, tool, folder) or not b.time("push", tool, tool.push, folder):
        return
    for _ in range(3 if tool.name.startswith("xt") else 1):
        b.time("push again", tool, tool.push, folder)
    tool.forget(folder, b.env)
    if b.time("pull", tool, tool.pull, folder):
        quietly(["diff", "-rq", str(b.work / "source"), "data"], folder, b.env)
    count, size = place.stored()
    b.board.figure("objects stored", tool.name, count)
    b.board.figure("MiB stored", tool.name, size / MIB)


def figure(b: Bench, what: str, limit: float, unit: str, tool: str) -> Bound:
    return Bound(what, limit, unit, lambda pick: pick(b.board.figures[what, tool]), [(what, tool)])


def remote_delta(b: Bench) -> Targets:
    """A file of 2 GiB of which 1 % changes: how much the server stores for the second version. xt stores the same each time: one round."""
    with server(b) as s:
        for tool in with_remotes(b, 0, "hardlink"):
            for change in CHANGES:
                with s.place() as place, b.project(tool) as folder:
                    tool.remote(folder, place, b.env)
                    second_version(b, tool, folder, place, change)
    return [figure(b, stored(change), 1.5, "%", "xt hardlink") for change in CHANGES]


def stored(change: str) -> str:
    return f"stored for the {change}, % of the file"


def inserted(path: Path, size: int) -> tuple[int, int, int]:
    """Makes a file, and says what is to change: 1 % is inserted in the middle."""
    data.big_file(path, size)
    return size // 2, 0, size // 100


def retrained(path: Path, size: int) -> tuple[int, int, int]:
    """Makes a checkpoint, and says what is to change: a tensor of 1 %, in place."""
    at, length = data.checkpoint(path, size)
    return at, length, length


CHANGES = {"insertion": inserted, "tensor": retrained}


def second_version(b: Bench, tool: Tool, folder: Path, place: Place, change: str) -> None:
    path, size = folder / "data", b.count(2 * GIB, 4 * MIB)
    where = CHANGES[change](path, size)
    if not add(b, tool, folder) or not b.time("push", tool, tool.push, folder):
        return
    before = place.stored()[1]
    data.replace(path, *where)
    if not add(b, tool, folder, f"add the {change}"):
        return
    if tool.tidy:
        quietly(tool.tidy, folder, b.env)
    if b.time(f"push the {change}", tool, tool.push, folder):
        b.board.figure(stored(change), tool.name, 100 * (place.stored()[1] - before) / size)


def remote_big(b: Bench) -> Targets:
    """One file of 2 GiB: push it, and fetch it into the empty cache of a clone."""
    source = b.work / "big"
    data.big_file(source, b.count(2 * GIB, MIB))
    xt = Xt(b.programs.xt)
    with server(b) as s:
        for _ in range(b.rounds):
            with s.place() as place, b.project(xt) as folder:
                xt.remote(folder, place, b.env)
                push_and_fetch(b, xt, folder, source)
            if b.programs.aws:
                with s.place() as place:
                    up_and_down(b, b.programs.aws, place, source)
    return [
        Target("push, against aws s3 cp", [("push", xt.name)], [("push", "aws")], 1 / 0.8),
        Target("fetch, against aws s3 cp", [("fetch", xt.name)], [("fetch", "aws")], 1 / 0.8),
        most_memory(b.board, "memory", 512, xt.name),
    ]


def push_and_fetch(b: Bench, xt: Xt, folder: Path, source: Path) -> None:
    source.rename(folder / "data")
    quietly(xt.add, folder, b.env)
    b.time("push", xt, xt.push, folder)
    (folder / "data").rename(source)
    xt.forget(folder, b.env)
    b.time("fetch", xt, xt.fetch, folder)


def up_and_down(b: Bench, aws: str, place: Place, source: Path) -> None:
    there, copy = f"{place.url()}/big", b.work / "copy"
    if b.time("push", "aws", aws_copy(aws, place, str(source), there), b.work):
        b.time("fetch", "aws", aws_copy(aws, place, there, str(copy)), b.work)
    remove(copy)


SCENARIOS = {
    "remotesmall": Scenario(remote_small, 3 * GIB, remote=True),
    "remotedelta": Scenario(remote_delta, 8.5 * GIB, remote=True),
    "remotebig": Scenario(remote_big, 6.5 * GIB, remote=True),
}
