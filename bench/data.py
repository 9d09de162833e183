"""The data that is worked on: the same bytes each time, and no two files alike."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import BinaryIO

# The memory of this process is the least that can be seen of a child's, so that it is kept small.
BLOCK = 1 << 20


def remove(path: Path) -> None:
    subprocess.run(["rm", "-rf", str(path)], check=True)


def big_file(path: Path, size: int) -> None:
    with path.open("wb", buffering=0) as f:
        noise(f, size, random.Random(1))


def noise(f: BinaryIO, size: int, rng: random.Random) -> None:
    while size > 0:
        size -= f.write(rng.randbytes(min(size, BLOCK)))


def checkpoint(path: Path, size: int) -> tuple[int, int]:
    """Makes a file of about size bytes with 200 tensors, laid out as safetensors. Returns where one of 1 % begins, and its length."""
    lengths = [size * 99 // 100 // 199 // 4 * 4] * 200
    lengths[100] = size // 100 // 4 * 4
    entries, end = dict[str, object](), 0
    for i, length in enumerate(lengths):
        entries[f"layers.{i}.weight"] = {"dtype": "F32", "shape": [length // 4], "data_offsets": [end, end + length]}
        end += length
    header = json.dumps(entries).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as f:
        f.write(len(header).to_bytes(8, "little") + header)
        noise(f, end, random.Random(3))
    return 8 + len(header) + sum(lengths[:100]), lengths[100]


def replace(path: Path, at: int, old: int, new: int) -> None:
    """Replaces old bytes of a file by new ones. The file is a new one then, since the other may be linked to a cache."""
    changed = path.with_name(path.name + ".changed")
    with path.open("rb") as f, changed.open("wb") as to:
        pour(f, to, at)
        noise(to, new, random.Random(4))
        f.seek(old, os.SEEK_CUR)
        pour(f, to, path.stat().st_size - at - old)
    changed.replace(path)


def pour(f: BinaryIO, to: BinaryIO, size: int) -> None:
    while size > 0:
        size -= to.write(f.read(min(size, BLOCK)))


def tree(root: Path, files: int, per_folder: int, size: int) -> None:
    """Makes files of size bytes, per_folder of them in each folder of root."""
    rng = random.Random(2)
    for first in range(0, files, per_folder):
        folder = root / f"{first // per_folder:04d}"
        folder.mkdir(parents=True)
        count = min(per_folder, files - first)
        for i in range(count):
            (folder / f"{i:05d}.bin").write_bytes(rng.randbytes(size))


def stage_inputs(root: Path, stages: int) -> None:
    """Makes in/NNNN for each stage, and the folder of the outputs, which not every tool makes."""
    (root / "in").mkdir()
    (root / "out").mkdir()
    for i in range(stages):
        (root / "in" / f"{i:04d}").write_text(f"input {i}\n")


# A training as a script does it: modules, a file for each sample, and then arithmetic.
TRAINING = """
import argparse, csv, json, logging, math, pathlib, random, statistics, urllib.request

samples = []
for path in sorted(pathlib.Path("data").rglob("*.bin")):
    raw = path.read_bytes()
    samples.append(([x / 255 for x in raw[:32]], raw[32] > 127))
weights = [random.gauss(0, 0.1) for _ in range(32)]
for epoch in range(60):
    random.shuffle(samples)
    for x, y in samples:
        error = y - 1 / (1 + math.exp(-sum(w * v for w, v in zip(weights, x))))
        weights = [w + 0.01 * error * v for w, v in zip(weights, x)]
json.dump(weights, open("out", "w"))
"""


def gated(root: Path, stages: int) -> None:
    """Makes a pipeline of stages with a script, a parameter and a metric each, and most with an output of another as input."""
    line = "# what a line of code may be as long as\n"
    for name in ("src", "out", "metrics"):
        (root / name).mkdir()
    (root / "in").write_text("input\n")
    params, tables = ["[params]"], []
    for i in range(stages):
        n, needs = f"{i:04d}", f"out/{i - 1:04d}" if i % 10 else "in"
        work = 'cat "$1" > "$2"; echo "{\\"p\\": $4}" > "$3"\n'
        (root / "src" / f"{n}.sh").write_text(f"# stage {i}\n" + 25 * line + work)
        params.append(f"p{n} = {i}")
        tables.append(f"""
[stage.s{n}]
cmd = "sh src/{n}.sh {needs} out/{n} metrics/{n}.json ${{p{n}}}"
code = ["src/{n}.sh"]
deps = ["{needs}"]
params = ["p{n}"]
outs = ["out/{n}"]
metrics = ["metrics/{n}.json"]
""")
    (root / "xt.toml").write_text("\n".join(params) + "\n" + "".join(tables))
