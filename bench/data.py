"""The data that is worked on: the same bytes each time, and no two files alike."""

from __future__ import annotations

import random
from pathlib import Path

# The memory of this process is the least that can be seen of a child's, so that it is kept small.
BLOCK = 1 << 20


def big_file(path: Path, size: int) -> None:
    rng = random.Random(1)
    with path.open("wb", buffering=0) as f:
        while size > 0:
            size -= f.write(rng.randbytes(min(size, BLOCK)))


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
