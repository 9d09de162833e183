"""Has 16 processes search in one study: workers.py PORT TRIALS. Each prints the
trials that it was told are stored; at the end the study is looked at."""

import multiprocessing
import os
import sys

import optuna

import access
from optuna.storages import GrpcStorageProxy

WORKERS = 16
PORT, TRIALS = int(sys.argv[1]), int(sys.argv[2])
optuna.logging.set_verbosity(optuna.logging.ERROR)


def connect(sampler=None):
    return optuna.load_study(study_name="shared", storage=GrpcStorageProxy(host="127.0.0.1", port=PORT), sampler=sampler)


def create():
    optuna.create_study(study_name="shared", storage=GrpcStorageProxy(host="127.0.0.1", port=PORT))


def work(number):
    study = connect(optuna.samplers.TPESampler(n_startup_trials=3) if number % 2 else optuna.samplers.RandomSampler())
    for _ in range(TRIALS):
        trial = study.ask()
        x = trial.suggest_float("x", -1, 1)
        trial.suggest_categorical("kind", ["a", 1, None])
        trial.report(x, 1)
        study.tell(trial, x * x)
        os.write(1, b"stored %d %r\n" % (trial.number, x * x))  # whole, among others


def started(target, *args):
    # Forked before there is a channel, which would not survive it.
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()
    return process


def joined(processes):
    for process in processes:
        process.join()
        if process.exitcode != 0:
            sys.exit("a worker ended with %d" % process.exitcode)


if __name__ == "__main__":
    joined([started(create)])
    joined([started(work, number) for number in range(WORKERS)])
    study = connect()
    trials = study.trials
    assert [t.number for t in trials] == list(range(WORKERS * TRIALS)), [t.number for t in trials]
    assert all(t.state.name == "COMPLETE" and t.intermediate_values[1] * t.intermediate_values[1] == t.value for t in trials)
    assert study.best_value == min(t.value for t in trials)
    print("best", repr(study.best_value))
