"""Fills a store of MLflow with a bit of everything, and prints what was made."""
import json, math, os, sys, tempfile

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric

version = tuple(int(x) for x in mlflow.__version__.split(".")[:2])
client = MlflowClient()
made = {}
experiment = mlflow.set_experiment("vision").experiment_id
client.set_experiment_tag(experiment, "team", "a")
with mlflow.start_run(run_name="main", tags={"phase": "one"}) as run:
    id = made["run"] = run.info.run_id
    mlflow.log_params({"lr": 0.01, "opt/name": "adam", "grüße": "schön ☃", "empty": "", "long": "x" * 5000})
    now = 1700000000000
    client.log_batch(id, metrics=[Metric("loss", 1 / (i + 3), now + i, i) for i in range(900)])
    client.log_batch(id, metrics=[Metric("loss", 1 / (i + 3), now + i, i) for i in range(900, 1500)])
    mlflow.log_metrics({"val/acc": 0.1 + 0.2, "nan": math.nan, "inf": math.inf, "neg": -math.inf}, step=-3)
    mlflow.set_tag("note", "two\nlines")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_text("", "empty.txt")
    with tempfile.TemporaryDirectory() as d:
        big = os.path.join(d, "big.bin")
        with open(big, "wb") as f:
            f.write(bytes(range(256)) * 8192)
        mlflow.log_artifact(big, "grüße & +")
    data = Dataset(name="points", digest="12e34567", source_type="local", source="{}", schema='{"a": 1}')
    client.log_inputs(id, [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    with mlflow.start_run(nested=True, run_name="child") as child:
        made["child"] = child.info.run_id
        mlflow.log_metric("loss", 0.25)
failed = client.create_run(experiment, run_name="1e5")
made["failed"] = failed.info.run_id
client.set_terminated(made["failed"], "FAILED")
dropped = client.create_run(experiment, run_name="dropped")
made["dropped"] = dropped.info.run_id
client.log_metric(made["dropped"], "loss", 3)
client.delete_run(made["dropped"])
gone = client.create_experiment("gone")
lost = client.create_run(gone, run_name="lost")
made["lost"] = lost.info.run_id
client.log_param(made["lost"], "a", "b")
client.delete_experiment(gone)

client.create_registered_model("net", tags={"k": "v"}, description="first")
source = client.get_run(id).info.artifact_uri + "/notes"
for i in range(3):
    client.create_model_version("net", source, run_id=id, tags={"n": str(i)}, description=f"v{i + 1}")
client.delete_model_version("net", "2")
client.transition_model_version_stage("net", "3", "Production")
client.set_registered_model_alias("net", "champion", "3")
if version >= (3, 0):
    from mlflow.entities import AssessmentSource, SpanEvent
    prompt = client.register_prompt("greet", "Hello {{name}}", commit_message="first", tags={"team": "a"})
    client.set_prompt_alias("greet", "live", 1)
    with mlflow.start_run(run_id=id):
        with mlflow.start_span(name="chain", span_type="CHAIN") as root:
            made["trace"] = root.trace_id
            root.set_inputs({"q": "wörld\n'x'"})
            with mlflow.start_span(name="llm", span_type="LLM") as span:
                span.set_attribute("temperature", 0.5)
                span.set_outputs({"a": None, "b": "1e5"})
                span.add_event(SpanEvent("ev", attributes={"x": 1}))
            root.set_outputs("ok")
    mlflow.flush_trace_async_logging()
    mlflow.set_trace_tag(made["trace"], "who", "me\nyou")
    judge = AssessmentSource("HUMAN", "me")
    good = mlflow.log_feedback(trace_id=made["trace"], name="good", value="1e5", rationale="because", source=judge, metadata={"k": "v"})
    mlflow.override_feedback(trace_id=made["trace"], assessment_id=good.assessment_id, value=0.5)
    mlflow.log_expectation(trace_id=made["trace"], name="answer", value={"x": [1, 2]}, source=judge)
    mlflow.log_feedback(trace_id=made["trace"], name="bad", error=ValueError("boom"), source=AssessmentSource("CODE", "f"))
    logged = client.create_logged_model(experiment, name="cnn", source_run_id=id, params={"depth": "3"}, tags={"a": "b"}, model_type="net")
    made["logged"] = logged.model_id
    with tempfile.TemporaryDirectory() as d:
        with open(os.path.join(d, "weights"), "w") as f:
            f.write("w")
        client.log_model_artifacts(logged.model_id, d)
    client.finalize_logged_model(logged.model_id, "READY")
    with mlflow.start_run(run_id=id):
        mlflow.log_metric("score", 0.9, step=2, model_id=logged.model_id, timestamp=now)
json.dump(made, sys.stdout)
