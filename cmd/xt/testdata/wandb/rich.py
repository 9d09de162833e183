"""What else a script says of a run, and what is then read through wandb.Api."""

import math
import sys

import wandb

run = wandb.init(
    project="rich", name="first", group="g1", job_type="train", notes="a note", tags=["a", "b"],
    config={"lr": 0.1, "net": {"layers": [1, 2]}}, settings=wandb.Settings(),
)
wandb.define_metric("epoch")
wandb.define_metric("loss", step_metric="epoch", summary="min")
for i in range(25):
    wandb.log({"loss": 1 / (i + 1), "epoch": i, "deep": {"x": i, "er": {"y": -i}, "plot": wandb.Histogram([1, 2])}, "word": "w%d" % i})
wandb.log({"bad": math.nan, "inf": math.inf})
wandb.config.update({"lr": 0.2, "late": True}, allow_val_change=True)
wandb.summary["best"] = 0.5
with open("note.txt", "w") as f:
    f.write("hello")
wandb.save("note.txt")
print("a line of output")
path = run.path if isinstance(run.path, str) else "/".join(run.path)
wandb.finish()

api = wandb.Api()
r = api.run(path)
assert r.state == "finished", r.state
assert r.config["lr"] == 0.2 and r.config["late"] is True and r.config["net"] == {"layers": [1, 2]}, r.config
assert r.summary["best"] == 0.5 and r.summary["epoch"] == 24, dict(r.summary)
assert sorted(r.tags) == ["a", "b"] and r.name == "first" and r.group == "g1" and r.job_type == "train" and r.notes == "a note"
history = r.history(pandas=False)
assert len(history) == 26 and history[24]["loss"] == 1 / 25, history[-2:]
assert (history[3]["deep.x"], history[3]["deep.er.y"], history[3]["deep.plot"]["_type"]) == (3, -3, "histogram") and "deep" not in history[3], history[3]
losses = r.history(keys=["loss"], pandas=False)
assert len(losses) == 25 and losses[0]["loss"] == 1, losses
assert [row["_step"] for row in r.scan_history()] == list(range(26))
scanned = list(r.scan_history(keys=["loss", "deep.x"], page_size=7))
assert len(scanned) == 25 and (scanned[3]["loss"], scanned[3]["deep.x"]) == (0.25, 3), scanned[:4]
few = r.history(samples=5, keys=["loss"], pandas=False)
assert 0 < len(few) <= 6, few
names = {f.name for f in r.files()}
assert {"note.txt", "config.yaml"} <= names, names
with r.file("note.txt").download(root="down", replace=True) as f:
    assert f.read() == "hello"
r.file("note.txt").delete()
assert "note.txt" not in {f.name for f in api.run(path).files()}

r.summary.update({"after": 7})
r.config["more"] = "x"
r.tags.append("c")
r.update()
again = wandb.Api().run(path)
assert again.summary["after"] == 7 and again.summary["best"] == 0.5, dict(again.summary)
assert again.config["more"] == "x" and again.config["lr"] == 0.2 and "c" in again.tags

where = path.rsplit("/", 1)[0]
for filters, n in [
    ({}, 1), ({"config.lr": 0.2}, 1), ({"config.lr": {"$gt": 0.2}}, 0), ({"config.lr.value": {"$gte": 0.1}}, 1),
    ({"state": "finished", "tags": "a"}, 1), ({"tags": {"$in": ["z"]}}, 0),
    ({"$or": [{"display_name": "other"}, {"display_name": {"$regex": "^fi"}}]}, 1),
    ({"summary_metrics.best": {"$lt": 1}}, 1), ({"group": "g2"}, 0), ({"jobType": {"$ne": "train"}}, 0),
    ({"created_at": {"$gt": "2020-01-01T00:00:00"}}, 1),
]:
    runs = wandb.Api().runs(where, filters=filters, order="-summary_metrics.loss")
    assert len(runs) == n, (filters, len(runs))
    assert all(x.id == r.id for x in runs)
assert any(p.name == "rich" for p in api.projects(where.split("/")[0]))
print("ok", r.id)
