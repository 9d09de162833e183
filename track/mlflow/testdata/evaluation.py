"""Keeps evaluation datasets with MLflow's own client, and prints the ID of one, for the
Go test to look up in the store."""
import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.genai.datasets import create_dataset, delete_dataset, get_dataset, search_datasets, set_dataset_tags, delete_dataset_tag
from mlflow.tracing.client import TracingClient
from mlflow.genai.datasets import add_dataset_to_experiments, remove_dataset_from_experiments

first = mlflow.set_experiment("first").experiment_id
second = MlflowClient().create_experiment("second")

dataset = create_dataset(name="questions", experiment_id=[first], tags={"team": "a", "stage": "draft"})
assert dataset.name == "questions" and dataset.tags["team"] == "a" and dataset.experiment_ids == [first], dataset
dataset.merge_records([
    {"inputs": {"question": "What is xt?", "depth": 2}, "expectations": {"answer": "a tool"}, "tags": {"kind": "easy"}},
    {"inputs": {"question": "Why?"}, "outputs": {"text": "because"}},
])
dataset.merge_records([{"inputs": {"depth": 2, "question": "What is xt?"}, "expectations": {"score": 0.5}, "tags": {"seen": "yes"}}])


@mlflow.trace
def ask(question):
    return f"{question}!"


ask("How?")
mlflow.flush_trace_async_logging()
trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
dataset.merge_records([trace])

# How often two filters find the same traces.
ask("Who?")
mlflow.flush_trace_async_logging()
mlflow.set_trace_tag(trace.info.trace_id, "asked", "how")
same = TracingClient().calculate_trace_filter_correlation([first], "tags.asked = 'how'", "tags.asked != 'why'")
assert (same.npmi, same.joint_count, same.total_count) == (1, 1, 2), same

got = get_dataset(dataset_id=dataset.dataset_id)
assert got.name == "questions" and got.tags["stage"] == "draft" and got.profile == '{"num_records":3}', got.to_dict()
assert '"question":"string"' in got.schema and '"depth":"integer"' in got.schema, got.schema
records = {r["inputs"]["question"]: r for r in got.to_df().to_dict("records")}
assert records["What is xt?"]["expectations"] == {"answer": "a tool", "score": 0.5}, records
assert records["What is xt?"]["tags"]["kind"] == "easy" and records["What is xt?"]["tags"]["seen"] == "yes", records
assert records["Why?"]["outputs"] == {"text": "because"}, records
assert records["How?"]["source_id"] == trace.info.trace_id and records["How?"]["source_type"] == "TRACE", records
assert got.digest != dataset.digest or got.last_update_time >= dataset.last_update_time

set_dataset_tags(dataset_id=dataset.dataset_id, tags={"stage": "final"})
delete_dataset_tag(dataset_id=dataset.dataset_id, key="team")
add_dataset_to_experiments(dataset_id=dataset.dataset_id, experiment_ids=[second])
remove_dataset_from_experiments(dataset_id=dataset.dataset_id, experiment_ids=[first])
got = get_dataset(dataset_id=dataset.dataset_id)
assert got.tags["stage"] == "final" and "team" not in got.tags and got.experiment_ids == [second], got.to_dict()

other = create_dataset(name="other", experiment_id=[first, second])
found = search_datasets(experiment_ids=[second], filter_string="name LIKE 'quest%' AND tags.stage = 'final'", order_by=["name DESC"])
assert [d.dataset_id for d in found] == [dataset.dataset_id], found
assert [d.name for d in search_datasets(experiment_ids=[second], order_by=["name ASC"])] == ["other", "questions"]
delete_dataset(dataset_id=other.dataset_id)
try:
    get_dataset(dataset_id=other.dataset_id)
    raise AssertionError("it is still there")
except MlflowException as e:
    assert e.error_code == "RESOURCE_DOES_NOT_EXIST", e
assert got.delete_records([records["Why?"]["dataset_record_id"]]) == 1
assert len(get_dataset(dataset_id=dataset.dataset_id).to_df()) == 2
print(dataset.dataset_id)
