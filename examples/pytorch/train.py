"""Train a small residual network on the digits, and measure it.

There is no seed in here, and no determinism flag: xt sets both as PyTorch is
imported.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split

from net import ResNet


def read(path: Path) -> TensorDataset:
    """Return the images, scaled to 0..1, and the labels of a digits.csv."""
    table = torch.from_numpy(np.loadtxt(path, delimiter=",", dtype=np.int64))
    return TensorDataset(table[:, :-1].reshape(-1, 1, 8, 8) / 16, table[:, -1])


def train_epoch(
    net: ResNet,
    batches: DataLoader,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """Take one step per batch and return the mean loss."""
    net.train()
    losses = []
    for x, y in batches:
        loss = functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def evaluate(net: ResNet, data: Dataset) -> dict[str, float]:
    """Return the loss and the accuracy on all of data."""
    net.eval()
    x, y = next(iter(DataLoader(data, batch_size=len(data))))
    scores = net(x)
    return {
        "accuracy": (scores.argmax(dim=1) == y).float().mean().item(),
        "loss": functional.cross_entropy(scores, y).item(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path, help="64 pixels of 0..16 and a label per line")
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--channels", type=int, default=16)
    args = parser.parse_args()

    training, test = random_split(read(args.csv), [0.8, 0.2])
    batches = DataLoader(training, batch_size=32, shuffle=True)
    net = ResNet(args.channels)
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=args.lr, total_steps=args.epochs * len(batches)
    )

    history = []
    for epoch in range(1, args.epochs + 1):
        loss = train_epoch(net, batches, optimiser, schedule)
        history.append({"epoch": epoch, "loss": loss})
        print(f"epoch {epoch}: loss {loss:.4f}")
    metrics = evaluate(net, test)
    print(f"test: {metrics['accuracy']:.1%} of {len(test)} digits")

    Path("build").mkdir(exist_ok=True)
    Path("results").mkdir(exist_ok=True)
    torch.save(net.state_dict(), "build/model.pt")
    Path("results/metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n")
    with Path("results/loss.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, history[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)


if __name__ == "__main__":
    main()
