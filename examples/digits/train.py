"""Train a small neural network on the digits.

AdamW with a cosine learning-rate schedule and dropout. The parameters of the
epoch with the lowest validation loss are kept.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

import model


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels that prepare.py wrote."""
    with np.load(path) as archive:
        return archive["x"], archive["y"]


def evaluate(params: model.Params, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the loss and the accuracy on x."""
    log_probs = model.log_probabilities(params, x)
    return model.cross_entropy(log_probs, y), float((log_probs.argmax(axis=1) == y).mean())


def train(args: argparse.Namespace) -> tuple[model.Params, list[dict[str, float]]]:
    """Return the best parameters and one record of the losses per epoch."""
    # No seed here: xt seeds NumPy before the script starts, so that this
    # generator, like any other that is given no seed, repeats itself.
    rng = np.random.default_rng()
    x, y = read(args.data / "train.npz")
    x_val, y_val = read(args.data / "val.npz")
    params = model.initialise(x.shape[1], args.hidden, 10, rng)
    optimiser = model.AdamW(params, args.weight_decay)
    steps = args.epochs * -(-len(x) // args.batch)

    best, lowest, history = params, np.inf, []
    for epoch in range(1, args.epochs + 1):
        for batch in np.split(rng.permutation(len(x)), range(args.batch, len(x), args.batch)):
            lr = args.lr * (1 + np.cos(np.pi * optimiser.steps / steps)) / 2
            optimiser.step(model.gradients(params, x[batch], y[batch], args.dropout, rng), lr)
        train_loss, _ = evaluate(params, x, y)
        val_loss, val_accuracy = evaluate(params, x_val, y_val)
        history.append({"epoch": epoch, "train_loss": train_loss, "val_loss": val_loss})
        if val_loss < lowest:
            best, lowest = {name: value.copy() for name, value in params.items()}, val_loss
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {train_loss:.4f}, val {val_loss:.4f} ({val_accuracy:.1%})")
    return best, history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with train.npz and val.npz")
    parser.add_argument("--model", type=Path, required=True, help="where the model goes")
    parser.add_argument("--loss", type=Path, required=True, help="where the loss curve goes")
    parser.add_argument("--metrics", type=Path, required=True, help="where the summary goes")
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    args = parser.parse_args()

    params, history = train(args)

    for path in (args.model, args.loss, args.metrics):
        path.parent.mkdir(parents=True, exist_ok=True)
    model.save(params, args.model)
    with args.loss.open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    summary = min(history, key=lambda record: record["val_loss"])
    args.metrics.write_text(json.dumps(summary, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
