"""Logs a loss until there is a file "enough"."""

import os
import time

import mlflow

with mlflow.start_run(run_name="net"):
    mlflow.log_params({"lr": 0.01, "hidden_dim": 128})
    epoch = 0
    while not os.path.exists("enough"):
        mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
        print(f"Epoch {epoch}", flush=True)
        epoch += 1
        time.sleep(0.2)
    mlflow.log_text("the weights", "model/data/weights.txt")
