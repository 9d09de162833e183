"""Logs a bit of everything with MLflow's own client, checks what the client
gets back, and prints what was made, for the Go test to look up in the store."""
import json, math, os, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

version = tuple(int(x) for x in mlflow.__version__.split(".")[:2])
client = MlflowClient()
made = {"version": mlflow.__version__}


def raises(code, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except MlflowException as e:
        assert e.error_code == code, (e.error_code, str(e))
        return str(e)
    raise AssertionError(f"{f} did not raise {code}")


# Experiments.
name = "all-" + mlflow.__version__
experiment = mlflow.set_experiment(name)
made["experiment"] = experiment.experiment_id
assert mlflow.set_experiment(name).experiment_id == experiment.experiment_id
client.set_experiment_tag(experiment.experiment_id, "team", "vision")
assert client.get_experiment(experiment.experiment_id).tags["team"] == "vision"
raises("RESOURCE_ALREADY_EXISTS", client.create_experiment, name)
assert client.get_experiment_by_name("no such") is None
other = client.create_experiment("other-" + mlflow.__version__, tags={"a": "b"})
client.rename_experiment(other, "renamed-" + mlflow.__version__)
found = client.search_experiments(filter_string=f"name LIKE 'renamed-{mlflow.__version__}%' AND tags.a = 'b'", order_by=["name DESC"])
assert [e.experiment_id for e in found] == [other], found
client.delete_experiment(other)
assert client.get_experiment(other).lifecycle_stage == "deleted"
client.restore_experiment(other)

# A run, with everything in it.
with mlflow.start_run(run_name="main", tags={"phase": "one"}) as run:
    id = made["run"] = run.info.run_id
    mlflow.log_param("lr", 0.01)
    mlflow.log_params({"hidden_dim": 128, "optimizer": "adam", "grüße": "schön ☃"})
    mlflow.log_param("lr", 0.01)
    message = raises("INVALID_PARAMETER_VALUE", mlflow.log_param, "lr", 0.02)
    assert "Changing param values is not allowed" in message, message
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"acc": 0.5, "nan": math.nan, "inf": math.inf, "neg": -math.inf}, step=-3)
    mlflow.set_tags({"t1": "v1", "t2": "v2"})
    mlflow.delete_tag("t2")
    raises("RESOURCE_DOES_NOT_EXIST", mlflow.delete_tag, "t2")
    raises("INVALID_PARAMETER_VALUE", mlflow.log_metric, "bad\nname", 1)
    now = int(time.time() * 1000)
    client.log_batch(id, metrics=[Metric("batch", float(i), now + i, i) for i in range(1500)], params=[Param("b", "1")], tags=[RunTag("bt", "x")])
    if version >= (2, 5):
        mlflow.log_metric("async", 1.0)
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_text("", "empty.txt")
    mlflow.log_text("ü", "ordner/grüße & +.txt")
    mlflow.log_dict({"a": [1, 2]}, "conf.json")
    mlflow.log_dict({"a": [1, 2]}, "conf.yaml")
    with tempfile.TemporaryDirectory() as d:
        image = os.path.join(d, "img+step+3.png")
        with open(image, "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
        mlflow.log_artifact(image)
        os.mkdir(os.path.join(d, "deep"))
        open(os.path.join(d, "deep", "empty"), "w").close()
        mlflow.log_artifacts(d, "tree")
    data = Dataset(name="points", digest="1234abcd", source_type="local", source="{}", schema='{"a": 1}')
    client.log_inputs(id, [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    with mlflow.start_run(nested=True, run_name="child") as child:
        made["child"] = child.info.run_id
        mlflow.log_metric("loss", 0.25)

got = client.get_run(id)
assert got.info.status == "FINISHED" and got.info.run_name == "main", got.info
assert got.data.params == {"lr": "0.01", "hidden_dim": "128", "optimizer": "adam", "grüße": "schön ☃", "b": "1"}, got.data.params
assert got.data.metrics["loss"] == 0.2 and math.isnan(got.data.metrics["nan"])
assert got.data.metrics["inf"] == 1.7976931348623157e308 == -got.data.metrics["neg"]
assert got.data.tags["t1"] == "v1" and "t2" not in got.data.tags and got.data.tags["bt"] == "x"
assert got.inputs.dataset_inputs[0].dataset.name == "points"
assert got.inputs.dataset_inputs[0].tags[0].value == "train"
history = client.get_metric_history(id, "batch")
assert [m.value for m in history] == [float(i) for i in range(1500)]
assert client.get_metric_history(id, "none") == []
assert client.get_run(made["child"]).data.tags["mlflow.parentRunId"] == id

# Artifacts.
files = {f.path: (f.is_dir, f.file_size) for f in client.list_artifacts(id)}
assert files["empty.txt"] == (False, 0) and files["notes"][0] and files["img+step+3.png"] == (False, 10248), files
assert [f.path for f in client.list_artifacts(id, "ordner")] == ["ordner/grüße & +.txt"]
assert client.list_artifacts(id, "none") == []
with tempfile.TemporaryDirectory() as d:
    top = client.download_artifacts(id, "", d)
    with open(os.path.join(top, "ordner", "grüße & +.txt"), encoding="utf-8") as f:
        assert f.read() == "ü"
    with open(os.path.join(top, "tree", "img+step+3.png"), "rb") as f:
        assert f.read()[8:264] == bytes(range(256))
    assert os.path.getsize(os.path.join(top, "tree", "deep", "empty")) == 0
assert mlflow.artifacts.load_text(got.info.artifact_uri + "/notes/hello.txt") == "hello"
assert mlflow.artifacts.load_dict(got.info.artifact_uri + "/conf.json") == {"a": [1, 2]}

# Searches.
for i in range(7):
    with mlflow.start_run(run_name=f"search-{i}"):
        mlflow.log_param("i", i)
        mlflow.log_metric("m", i % 3)
        mlflow.set_tag("parity", "even" if i % 2 == 0 else "odd")


def search(filter, order=None, **kw):
    return [r.info.run_name for r in client.search_runs([experiment.experiment_id], filter, order_by=order, **kw)]


assert search("metrics.m >= 1 and params.i != '1'", ["metrics.m DESC", "params.i ASC"]) == ["search-2", "search-5", "search-4"]
assert search("tags.parity = 'odd'", ["start_time ASC"]) == ["search-1", "search-3", "search-5"]
assert search("attributes.run_name LIKE 'search-%' AND tags.`parity` = \"even\"", ["attributes.run_name"]) == ["search-0", "search-2", "search-4", "search-6"]
assert search("datasets.name = 'points'") == ["main"]
assert search("metrics.nope > 1") == []
raises("INVALID_PARAMETER_VALUE", search, "metrics.m = 'a' or params.i = '1'")
raises("INVALID_PARAMETER_VALUE", search, "nonsense")
names, token = [], None
while True:
    page = client.search_runs([experiment.experiment_id], "tags.parity LIKE '%'", max_results=3, page_token=token, order_by=["params.i"])
    names += [r.info.run_name for r in page]
    token = page.token
    if not token:
        break
assert names == [f"search-{i}" for i in range(7)], names
gone = client.search_runs([experiment.experiment_id], "params.i = '6'")[0].info.run_id
client.delete_run(gone)
assert search("params.i = '6'") == [] and search("params.i = '6'", run_view_type=ViewType.DELETED_ONLY) == ["search-6"]
client.restore_run(gone)
client.update_run(gone, status="KILLED", name="killed")
assert client.get_run(gone).info.status == "KILLED" and client.get_run(gone).data.tags["mlflow.runName"] == "killed"
client.set_terminated(gone, "FAILED")

# Many clients at once.
many = client.create_run(experiment.experiment_id)
made["many"] = many.info.run_id
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda i: client.log_metric(many.info.run_id, f"m{i % 4}", i, step=i), range(80)))
client.set_terminated(many.info.run_id)

# The registry.
model = made["model"] = "Model-" + mlflow.__version__
client.create_registered_model(model, tags={"k": "v"}, description="first")
raises("RESOURCE_ALREADY_EXISTS", client.create_registered_model, model)
source = got.info.artifact_uri + "/tree"
v1 = client.create_model_version(model, source, run_id=id, tags={"x": "y"})
v2 = client.create_model_version(model, source, run_id=id)
assert (str(v1.version), str(v2.version)) == ("1", "2") and v1.current_stage == "None"
client.transition_model_version_stage(model, "1", "Production")
moved = client.transition_model_version_stage(model, "2", "production", archive_existing_versions=True)
assert moved.current_stage == "Production"
assert client.get_model_version(model, "1").current_stage == "Archived"
assert "Invalid Model Version stage" in raises("INVALID_PARAMETER_VALUE", client.transition_model_version_stage, model, "1", "Bogus")
client.update_model_version(model, "2", description="Promoted")
client.set_model_version_tag(model, "2", "q", "w")
client.delete_model_version_tag(model, "1", "x")
client.set_registered_model_alias(model, "champion", "2")
assert str(client.get_model_version_by_alias(model, "champion").version) == "2"
raises("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, model, "nobody")
assert {v.current_stage: str(v.version) for v in client.get_latest_versions(model)} == {"Archived": "1", "Production": "2"}
assert client.get_registered_model(model).aliases in ({"champion": "2"}, {"champion": 2})
assert [str(v.version) for v in client.search_model_versions(f"name = '{model}'")] == ["2", "1"]
assert [m.name for m in client.search_registered_models(f"name LIKE '{model}%'")] == [model]
assert client.get_model_version_download_uri(model, "2") == source
client.rename_registered_model(model, model + "-new")
client.rename_registered_model(model + "-new", model)
client.delete_registered_model_tag(model, "k")
client.create_model_version(model, source, run_id=id)
client.delete_model_version(model, "3")
client.delete_registered_model_alias(model, "champion")
client.set_registered_model_alias(model, "champion", "2")

if version >= (2, 14):
    # A trace, its spans, and what people think of it.
    @mlflow.trace(name="outer", span_type="CHAIN", attributes={"k": 1})
    def outer(x):
        with mlflow.start_span("inner", span_type="LLM") as span:
            span.set_inputs({"x": x})
            span.set_outputs([x, {"deep": None}])
            span.set_attribute("model", "gpt")
        return x + 1

    outer(41)
    if version >= (3, 0):
        mlflow.flush_trace_async_logging()
        made["trace"] = mlflow.get_last_active_trace_id()

if version >= (3, 4):
    trace = client.get_trace(made["trace"])
    spans = {s.name: s for s in trace.data.spans}
    assert spans["inner"].outputs == [41, {"deep": None}] and spans["inner"].parent_id == spans["outer"].span_id, spans
    assert spans["outer"].inputs == {"x": 41} and spans["outer"].attributes["k"] == 1, spans["outer"].attributes
    assert trace.info.state == "OK" and trace.info.execution_duration >= 0
    client.set_trace_tag(made["trace"], "reviewed", "yes")
    feedback = mlflow.log_feedback(trace_id=made["trace"], name="quality", value={"score": 0.5}, rationale="so so")
    mlflow.log_expectation(trace_id=made["trace"], name="answer", value=["42"])
    mlflow.update_assessment(made["trace"], feedback.assessment_id, mlflow.entities.Feedback(name="quality", value=0.75))
    assessments = {a.name: a for a in client.get_trace(made["trace"]).info.assessments}
    assert assessments["quality"].value == 0.75 and assessments["answer"].value == ["42"], assessments
    mlflow.delete_assessment(trace_id=made["trace"], assessment_id=assessments["answer"].assessment_id)
    found = client.search_traces(locations=[experiment.experiment_id], filter_string="tag.reviewed = 'yes'")
    assert [t.info.trace_id for t in found] == [made["trace"]], found
    outer(1)
    mlflow.flush_trace_async_logging()
    second = mlflow.get_last_active_trace_id()
    client.link_traces_to_run([second], id)
    assert client.delete_traces(experiment.experiment_id, trace_ids=[second]) == 1

    # Logged models.
    with mlflow.start_run(run_name="modelling") as run:
        logged = client.create_logged_model(experiment.experiment_id, name="net", source_run_id=run.info.run_id, params={"depth": "3"}, tags={"a": "b"}, model_type="cnn")
        made["logged"] = logged.model_id
        mlflow.log_metric("val", 0.9, step=2, model_id=logged.model_id)
    client.set_logged_model_tags(logged.model_id, {"c": "d"})
    client.delete_logged_model_tag(logged.model_id, "a")
    client.finalize_logged_model(logged.model_id, "READY")
    got = client.get_logged_model(logged.model_id)
    assert got.params == {"depth": "3"} and got.tags["c"] == "d" and got.metrics[0].value == 0.9, got
    found = client.search_logged_models([experiment.experiment_id], "params.depth = '3'", order_by=[{"field_name": "metrics.val", "ascending": False}])
    assert [m.model_id for m in found] == [logged.model_id]
    v = client.create_model_version(model, f"models:/{logged.model_id}", run_id=run.info.run_id, model_id=logged.model_id)
    assert client.get_model_version_download_uri(model, v.version) == got.artifact_location

    # Prompts.
    prompt = mlflow.genai.register_prompt(name="summary", template="Sum up: {{text}}", commit_message="m", tags={"p": "q"})
    assert prompt.version == 1
    mlflow.genai.set_prompt_alias("summary", alias="live", version=1)
    assert mlflow.genai.load_prompt("prompts:/summary@live").template == "Sum up: {{text}}"
    assert [m.name for m in client.search_registered_models()] == [model]
    assert [p.name for p in mlflow.genai.search_prompts()] == ["summary"]

    # Files in parts.
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
    os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(5 << 20)
    os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(5 << 20)
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] = "true"
    os.environ["MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE"] = str(5 << 20)
    os.environ["MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE"] = str(5 << 20)
    with tempfile.TemporaryDirectory() as d:
        big = os.path.join(d, "big.bin")
        with open(big, "wb") as f:
            for i in range(12 << 4):
                f.write(bytes([i]) * (1 << 16))
        client.log_artifact(id, big, "parts")
        back = client.download_artifacts(id, "parts/big.bin", os.path.join(d))
        with open(big, "rb") as a, open(back, "rb") as b:
            assert a.read() == b.read()

json.dump(made, sys.stdout)
