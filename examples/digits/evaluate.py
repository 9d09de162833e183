"""Measure a trained model on one split: metrics, confusion table and picture."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

import model

CELL = 32  # pixels a side


def confusion_matrix(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return counts, one row per true digit and one column per predicted digit."""
    matrix = np.zeros((10, 10), np.int64)
    np.add.at(matrix, (y, predicted), 1)
    return matrix


def summarise(matrix: np.ndarray, loss: float) -> dict[str, object]:
    """Return the accuracy, the loss and the F1 score of each digit."""
    hits = matrix.diagonal()
    f1 = 2 * hits / np.maximum(matrix.sum(axis=0) + matrix.sum(axis=1), 1)
    return {
        "accuracy": float(hits.sum() / matrix.sum()),
        "loss": loss,
        "macro_f1": float(f1.mean()),
        "f1": {str(digit): float(score) for digit, score in enumerate(f1)},
    }


def write_table(matrix: np.ndarray, path: Path) -> None:
    """Write one line per pair of true and predicted digit, as plots want it."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["actual", "predicted", "count"])
        writer.writerows([*pair, count] for pair, count in np.ndenumerate(matrix))


def picture(matrix: np.ndarray, title: str) -> str:
    """Return the matrix as an SVG heat map: hits are green, mistakes red."""
    size = 13 * CELL
    middle = 7 * CELL
    shapes = [
        '<rect width="100%" height="100%" fill="white"/>',
        text(middle, 0.5 * CELL, title),
        text(middle, 12.5 * CELL, "predicted"),
        f'<g transform="rotate(-90)">{text(-middle, 0.5 * CELL, "actual")}</g>',
    ]
    for digit in range(10):
        shapes.append(text((digit + 2.5) * CELL, 1.5 * CELL, str(digit), "gray"))
        shapes.append(text(1.5 * CELL, (digit + 2.5) * CELL, str(digit), "gray"))
    for (row, column), count in np.ndenumerate(matrix):
        shapes += cell(row, column, count, count / max(matrix[row].sum(), 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}">\n'
        '<g font-family="sans-serif" font-size="13" text-anchor="middle">\n'
        + "\n".join(shapes)
        + "\n</g>\n</svg>\n"
    )


def cell(row: int, column: int, count: int, share: float) -> list[str]:
    """Return a coloured square and, unless it is empty, its count."""
    colour = "#1a7f4b" if row == column else "#c0392b"
    opacity = share if row == column else min(1, 4 * share)
    x, y = (column + 2) * CELL, (row + 2) * CELL
    square = (
        f'<rect x="{x}" y="{y}" width="{CELL - 1}" height="{CELL - 1}"'
        f' fill="{colour}" fill-opacity="{opacity:.3f}"/>'
    )
    if count == 0:
        return [square]
    ink = "white" if opacity > 0.5 else "black"
    return [square, text(x + CELL / 2, y + CELL / 2, str(count), ink)]


def text(x: float, y: float, words: str, colour: str = "black") -> str:
    """Return words centred on a point."""
    return f'<text x="{x:g}" y="{y:g}" dy="0.35em" fill="{colour}">{words}</text>'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="what train.py wrote")
    parser.add_argument("split", type=Path, help="one of the files that prepare.py wrote")
    parser.add_argument("out", type=Path, help="folder for the results")
    args = parser.parse_args()

    with np.load(args.split) as archive:
        x, y = archive["x"], archive["y"]
    log_probs = model.log_probabilities(model.load(args.model), x)
    matrix = confusion_matrix(y, log_probs.argmax(axis=1))
    metrics = summarise(matrix, model.cross_entropy(log_probs, y))

    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n")
    write_table(matrix, args.out / "confusion.csv")
    title = f"{args.split.stem}: {metrics['accuracy']:.1%} of {len(y)} digits"
    (args.out / "confusion.svg").write_text(picture(matrix, title))
    print(title)


if __name__ == "__main__":
    main()
