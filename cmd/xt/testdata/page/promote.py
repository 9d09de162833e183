"""Registers two versions of a model and promotes the second."""

import datetime

import mlflow
from mlflow.tracking import MlflowClient

client = MlflowClient()
client.create_registered_model("llama")
with mlflow.start_run() as run:
    mlflow.log_text("the weights", "model/data.txt")
for version in "12":
    client.create_model_version("llama", f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.transition_model_version_stage(name="llama", version=version, stage="Production", archive_existing_versions=True)
    client.update_model_version(name="llama", version=version, description=f"Promoted to Production on {datetime.date.today()}")
