"""Uses datasets for evaluations in each way that clients have, and prints what it
sees, without what differs each time. It says the same of any server."""

import json

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.genai import datasets
from mlflow.tracing.client import TracingClient

seen = []


def say(*what):
    seen.append(json.loads(json.dumps(what, sort_keys=True)))


def error(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except MlflowException as e:
        return e.error_code
    return None


def look(dataset):
    say(
        dataset.name, dataset.tags, json.loads(dataset.schema or "null"), json.loads(dataset.profile or "null"),
        dataset.created_by, dataset.last_updated_by, sorted(dataset.experiment_ids),
        len(dataset.dataset_id), len(dataset.digest), dataset.created_time <= dataset.last_update_time,
    )
    records = dataset.to_df()
    rows = [
        [r.inputs, r.outputs, r.expectations, r.tags, r.source and [r.source_type, r.source_id, r.source.to_dict()]]
        for r in records.itertuples()
    ]
    say(sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)))


client = MlflowClient()
one, two = (client.create_experiment(name) for name in ("one", "two"))

qa = datasets.create_dataset(name="qa", experiment_id=[one], tags={"team": "grün", "n": "1"})
look(qa)
qa.merge_records([
    {"inputs": {"q": "What?", "k": 1}, "expectations": {"a": "That", "score": 0.5}},
    {"inputs": {"k": 1, "q": "What?"}, "expectations": {"a": "This", "more": [1, {"x": None}]}, "tags": {"again": "yes"}},
    {"inputs": {"q": "1.0 is not 1", "k": 1.0}, "outputs": {"text": "<ä> & 😀", "ok": True}},
    {"inputs": {"q": "nested", "k": {"b": [1, 2], "a": {"z": "\n\t\"\\"}}}, "outputs": "a text"},
])
qa = datasets.get_dataset(dataset_id=qa.dataset_id)
look(qa)
qa.merge_records(pd.DataFrame([
    {"inputs": {"q": "nested", "k": {"a": {"z": "\n\t\"\\"}, "b": [1, 2]}}, "expectations": {"late": True}},
    {"inputs": {"q": "from a frame", "k": 10000000000000000000001}, "expectations": {}},
]))
look(datasets.get_dataset(dataset_id=qa.dataset_id))

with mlflow.start_span("ask") as span:
    span.set_inputs({"q": "traced", "k": 5})
    span.set_outputs(["an", "answer"])
mlflow.flush_trace_async_logging()
trace = mlflow.get_trace(span.trace_id)
qa.merge_records([trace])
ids = [r.source_id == span.trace_id for r in client.get_dataset(qa.dataset_id).records]
say(sorted(ids))
client._tracking_client.store.upsert_dataset_records(qa.dataset_id, [
    {"inputs": {"q": "doc"}, "source": {"source_type": "document", "source_data": {"source_id": "d1", "page": 3}}},
    {"inputs": {"q": "nothing"}, "outputs": None, "expectations": None},
    {"inputs": {"q": "no fields"}, "outputs": []},
])
say(sorted(r.source_id or "" for r in client.get_dataset(qa.dataset_id).records if r.source_type == "DOCUMENT"))
client._tracking_client.store.upsert_dataset_records(qa.dataset_id, [{"inputs": {"q": "not a number"}, "expectations": {"n": float("nan"), "m": float("inf")}}])
odd = [r for r in client.get_dataset(qa.dataset_id).records if r.inputs == {"q": "not a number"}]
say(repr([sorted(r.expectations.items()) for r in odd]), datasets.get_dataset(dataset_id=qa.dataset_id).delete_records([r.dataset_record_id for r in odd]))
say(error(client._tracking_client.store.upsert_dataset_records, qa.dataset_id, [{"inputs": {}, "source": {"source_type": "dream"}}]))

qa = datasets.get_dataset(dataset_id=qa.dataset_id)
say(qa.delete_records([r.dataset_record_id for r in client.get_dataset(qa.dataset_id).records if r.source_id]), qa.delete_records(["dr-none"]))
look(datasets.get_dataset(dataset_id=qa.dataset_id))

datasets.set_dataset_tags(qa.dataset_id, {"team": "blau", "flag": True, "number": 1.5})
datasets.delete_dataset_tag(qa.dataset_id, "n")
datasets.delete_dataset_tag(qa.dataset_id, "never was")
datasets.add_dataset_to_experiments(qa.dataset_id, [two, one])
look(datasets.get_dataset(name="qa"))
datasets.remove_dataset_from_experiments(qa.dataset_id, [one, "0"])
look(datasets.get_dataset(name="qa"))

many = [client.create_dataset(f"many {i}", experiment_id=[two], tags={"i": str(i), "mlflow.user": "bob"}) for i in range(7)]
for experiments, text, order in [
    ([one], None, None), ([two], "name LIKE 'many%'", ["name DESC"]), (None, "tags.i = '3'", None), (["0"], None, None),
    (None, "tags.i != '3'", ["name"]), (None, "created_by = 'bob' AND name IN ('many 1', 'many 2', 'qa')", ["created_time", "name"]),
    (None, "last_update_time > 5 AND name ILIKE 'QA'", None), (None, "created_time = 5", None),
]:
    found = datasets.search_datasets(experiment_ids=experiments, filter_string=text, order_by=order)
    say(text, [d.name for d in found] if order else sorted(d.name for d in found))
def find(text):
    try:
        return sorted(d.name for d in client.search_datasets(filter_string=text))
    except MlflowException as e:
        return e.error_code


for text in [
    "name > 'many 3'", "name <= 'many 3'", "name >= 'many 6' AND created_by < 'c'", "name < 'R'", "name NOT IN ('qa')", "created_by IN ('bob')",
    "tags.i > '3'", "tag.i = '3'", "attribute.name = 'qa'", "created_time LIKE '5'", "last_update_time > '5'", "last_update_time > 'x'",
]:
    say(text, find(text))
names, token = [], None
while True:
    page = client.search_datasets(filter_string="name LIKE 'many%'", order_by=["name"], max_results=3, page_token=token)
    names.append([d.name for d in page])
    if not (token := page.token):
        break
say(names)
big = many[0]
big.merge_records([{"inputs": {"i": i}} for i in range(25)])
rows, token = [], None
while True:
    records, token = client._tracking_client.store._load_dataset_records(big.dataset_id, max_results=10, page_token=token)
    rows.append(len(records))
    if not token:
        break
say(rows)
say(
    error(client.get_dataset, "d-none"), error(client.set_dataset_tags, "d-none", {"a": "b"}),
    error(client.add_dataset_to_experiments, "d-none", [one]), error(client.add_dataset_to_experiments, qa.dataset_id, ["999"]),
    error(client.remove_dataset_from_experiments, "d-none", [one]), error(client.delete_dataset, "d-none"), error(client.delete_dataset_tag, "d-none", "a"),
    error(client.search_datasets, filter_string="digest = 'x'"),
    error(client.search_datasets, order_by=["created_by"]), error(client.search_datasets, max_results=-1),
    error(client.search_datasets, filter_string="created_time > 1.5"), error(client.search_datasets, page_token="%"),
)
# How often two filters find the same traces.
mlflow.set_trace_tag(trace.info.trace_id, "asked", "how")
same = TracingClient().calculate_trace_filter_correlation([trace.info.experiment_id], "tags.asked = 'how'", "tags.asked != 'why'")
say(same.npmi, same.filter1_count, same.filter2_count, same.joint_count, same.total_count)
client.delete_dataset(qa.dataset_id)
say(error(client.get_dataset, qa.dataset_id), [d.name for d in client.search_datasets(experiment_ids=[two], order_by=["name"])])
say(len(client._tracking_client.store._load_dataset_records(qa.dataset_id)[0]))
print(json.dumps(seen))
