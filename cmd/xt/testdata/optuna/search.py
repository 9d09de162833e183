"""A search as people write it: without a storage, a seed, or a word of xt."""

import pickle
import sys

import optuna

if "--mlflow" in sys.argv:
    import mlflow

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    lr = trial.suggest_loguniform("lr", 1e-5, 1e-1)
    width = trial.suggest_categorical("width", [32, 64, 128])
    depth = trial.suggest_discrete_uniform("depth", 0, 1, 0.25) + trial.suggest_uniform("drop", 0, 1)
    loss = (lr - 0.01) ** 2 + (width - 64) ** 2 + depth
    if "--mlflow" in sys.argv:
        with mlflow.start_run(nested=True):
            mlflow.log_params({"lr": lr, "width": width})
            mlflow.log_metric("val_loss", loss)
    trial.report(loss, step=1)
    if trial.number == 3:
        raise optuna.TrialPruned()
    if trial.number == 4:
        raise RuntimeError("by chance")
    return loss


study = optuna.create_study(study_name="search", direction="minimize")
study.enqueue_trial({"lr": 0.01, "width": 64})
study.set_user_attr("data", {"set"})  # which is no JSON
study.optimize(objective, n_trials=8, catch=(RuntimeError,))
assert len(pickle.loads(pickle.dumps(study)).trials) == 8
assert study.study_name == "search" and isinstance(study._storage, optuna.storages.InMemoryStorage)
for trial in study.trials:
    print(trial.number, trial.state.name, trial.params, trial.value)
