"""A perceptron with one hidden layer in NumPy: forward pass, gradients, AdamW."""

from pathlib import Path

import numpy as np

Params = dict[str, np.ndarray]


def initialise(inputs: int, hidden: int, classes: int, rng: np.random.Generator) -> Params:
    """Return He-initialised weights and zero biases."""

    def layer(rows: int, columns: int) -> np.ndarray:
        return rng.normal(0, np.sqrt(2 / rows), (rows, columns)).astype(np.float32)

    return {
        "w1": layer(inputs, hidden),
        "b1": np.zeros(hidden, np.float32),
        "w2": layer(hidden, classes),
        "b2": np.zeros(classes, np.float32),
    }


def log_probabilities(params: Params, x: np.ndarray) -> np.ndarray:
    """Return the log-probability of each class for each row of x."""
    return _log_softmax(_hidden(params, x) @ params["w2"] + params["b2"])


def cross_entropy(log_probs: np.ndarray, y: np.ndarray) -> float:
    """Return the mean negative log-probability of the true classes y."""
    return float(-log_probs[np.arange(len(y)), y].mean())


def gradients(
    params: Params, x: np.ndarray, y: np.ndarray, dropout: float, rng: np.random.Generator
) -> Params:
    """Return the gradient of the cross-entropy on one batch."""
    keep = (rng.random((len(x), params["b1"].size)) >= dropout).astype(np.float32)
    hidden = _hidden(params, x) * keep / (1 - dropout)
    delta2 = np.exp(_log_softmax(hidden @ params["w2"] + params["b2"]))
    delta2[np.arange(len(y)), y] -= 1
    delta2 /= len(y)
    delta1 = (delta2 @ params["w2"].T) * (hidden > 0) / (1 - dropout)
    return {
        "w1": x.T @ delta1,
        "b1": delta1.sum(axis=0),
        "w2": hidden.T @ delta2,
        "b2": delta2.sum(axis=0),
    }


class AdamW:
    """Adam with decoupled weight decay, updating params in place."""

    def __init__(self, params: Params, weight_decay: float) -> None:
        self.params = params
        self.weight_decay = weight_decay
        self.mean = {name: np.zeros_like(value) for name, value in params.items()}
        self.square = {name: np.zeros_like(value) for name, value in params.items()}
        self.steps = 0

    def step(self, grads: Params, lr: float) -> None:
        """Move the parameters one step against the gradients."""
        self.steps += 1
        for name, grad in grads.items():
            mean, square = self.mean[name], self.square[name]
            mean += 0.1 * (grad - mean)
            square += 0.001 * (grad**2 - square)
            mean_hat = mean / (1 - 0.9**self.steps)
            square_hat = square / (1 - 0.999**self.steps)
            update = mean_hat / (np.sqrt(square_hat) + 1e-8) + self.weight_decay * self.params[name]
            self.params[name] -= lr * update


def save(params: Params, path: Path) -> None:
    """Write the parameters to path; equal parameters give equal bytes."""
    np.savez(path, **params)


def load(path: Path) -> Params:
    """Read what save wrote."""
    with np.load(path) as archive:
        return dict(archive)


def _hidden(params: Params, x: np.ndarray) -> np.ndarray:
    return np.maximum(x @ params["w1"] + params["b1"], 0)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
