"""Split the digits into training, validation and test sets.

Every class is split in the same proportion. Pixels are scaled to 0..1 and
centred on the mean image of the training set, so that nothing is learned
from the other two.
"""

import argparse
from pathlib import Path

import numpy as np


def stratified_split(
    labels: np.ndarray, fractions: dict[str, float], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return shuffled row numbers for each named fraction; "train" gets the rest."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ["train", *fractions]}
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        for name, fraction in fractions.items():
            count = round(fraction * np.count_nonzero(labels == label))
            parts[name].append(rows[:count])
            rows = rows[count:]
        parts["train"].append(rows)
    return {name: rng.permutation(np.concatenate(rows)) for name, rows in parts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path, help="64 pixels of 0..16 and a label per line")
    parser.add_argument("out", type=Path, help="folder for train.npz, val.npz, test.npz")
    parser.add_argument("--val", type=float, default=0.2, help="fraction for validation")
    parser.add_argument("--test", type=float, default=0.2, help="fraction for testing")
    args = parser.parse_args()

    table = np.loadtxt(args.csv, delimiter=",", dtype=np.int64)
    images, labels = table[:, :-1].astype(np.float32) / 16, table[:, -1]

    # No seed here: xt seeds NumPy before the script starts.
    rng = np.random.default_rng()
    split = stratified_split(labels, {"val": args.val, "test": args.test}, rng)
    images -= images[split["train"]].mean(axis=0)

    args.out.mkdir(parents=True, exist_ok=True)
    for name, rows in split.items():
        np.savez(args.out / f"{name}.npz", x=images[rows], y=labels[rows])
        print(f"{name}: {len(rows)} images")


if __name__ == "__main__":
    main()
