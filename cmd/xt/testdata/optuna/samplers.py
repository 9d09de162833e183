"""Prints what samplers draw to which nobody gives a seed, and what processes draw."""

import multiprocessing

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
samplers = optuna.samplers


def draw(sampler, trials=12, **options):
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda t: t.suggest_float("x", -1, 1) ** 2 + t.suggest_float("y", -1, 1), n_trials=trials, **options)
    return [tuple(t.params.values()) for t in study.trials]


def child(answers):
    answers.put(draw(samplers.RandomSampler(), 2))


if __name__ == "__main__":
    for kind in (samplers.TPESampler, samplers.RandomSampler, samplers.CmaEsSampler, samplers.NSGAIISampler):
        print(kind.__name__, draw(kind()))
    fork = multiprocessing.get_context("fork")
    answers = fork.Queue()
    processes = [fork.Process(target=child, args=(answers,)) for _ in range(3)]
    for process in processes:
        process.start()
    drawn = sorted(answers.get() for _ in processes)
    for process in processes:
        process.join()
    assert len({str(d) for d in drawn}) == 3, drawn
    print("processes", drawn)
    jobs = draw(samplers.RandomSampler(), n_jobs=2)
    assert len(set(jobs)) == len(jobs), jobs
