"""Searches as people do, with a run for each trial."""

import mlflow
import optuna


def objective(trial):
    params = {"lr": trial.suggest_float("lr", 1e-5, 1e-1, log=True), "hidden_dim": trial.suggest_categorical("hidden_dim", [32, 64, 128])}
    loss = (params["lr"] - 0.01) ** 2 + (params["hidden_dim"] - 64) ** 2
    with mlflow.start_run(nested=True):
        mlflow.log_params(params)
        mlflow.log_metric("val_loss", loss)
    return loss


study = optuna.create_study(study_name="widths", direction="minimize", sampler=optuna.samplers.RandomSampler(seed=1))
study.optimize(objective, n_trials=10)
