"""Artifacts: versions, aliases, reading, lineage, models, resume."""

import os

import numpy
import wandb


def write(name, text):
    with open(name, "w") as f:
        f.write(text)


write("far.txt", "far away")
with wandb.init(project="art", job_type="make") as run:
    for i in range(2):
        write("a.txt", "content %d" % i)
        a = wandb.Artifact("ds", type="dataset", metadata={"rows": i}, description="data")
        a.add_file("a.txt")
        with a.new_file("sub/b.txt") as f:
            f.write("the same")
        a.add_reference("file://" + os.path.abspath("far.txt"), name="ref")
        run.log_artifact(a, aliases=["best"] if i == 0 else ["new"])
        a.wait()
        assert a.version == "v%d" % i, a.version
    same = wandb.Artifact("ds", type="dataset")
    same.add_file("a.txt")
    with same.new_file("sub/b.txt") as f:
        f.write("the same")
    same.add_reference("file://" + os.path.abspath("far.txt"), name="ref")
    run.log_artifact(same)
    same.wait()
    assert same.version == "v1", same.version
    image = wandb.Image(numpy.zeros((4, 4), dtype="uint8"))
    run.log({"image": image})
    made, entity = run.id, run.entity

with wandb.init(project="art", job_type="use") as run:
    a = run.use_artifact("ds:best")
    assert a.version == "v0" and a.metadata == {"rows": 0}, (a.version, a.metadata)
    path = a.download(root="down0")
    assert open(os.path.join(path, "a.txt")).read() == "content 0"
    assert open(os.path.join(path, "sub/b.txt")).read() == "the same"
    assert open(os.path.join(path, "ref")).read() == "far away"
    assert open(a.get_path("sub/b.txt").download(root="alone")).read() == "the same"
    b = run.use_artifact("ds:latest")
    assert b.version == "v1", b.version
    run.link_artifact(b, "shelf", aliases=["picked"])
    write("model.bin", "weights")
    run.log_model("model.bin", name="net", aliases=["prod"]) if hasattr(run, "log_model") else run.log_artifact("model.bin", name="net", type="model", aliases=["prod"])
    used = run.id

api = wandb.Api()
v0 = api.artifact("art/ds:v0")
assert v0.logged_by().id == made
assert [r.id for r in v0.used_by()] == [used]
assert {x.name for x in api.run("art/" + made).logged_artifacts()} >= {"ds:v0", "ds:v1"}
assert {x.name for x in api.run("art/" + used).used_artifacts()} == {"ds:v0", "ds:v1"}
v0.aliases.append("again")
v0.metadata["more"] = 1
v0.description = "changed"
v0.save()
v0 = wandb.Api().artifact("art/ds:again")
assert v0.version == "v0" and v0.metadata == {"rows": 0, "more": 1} and v0.description == "changed" and "best" in v0.aliases
v0.aliases.remove("best")
v0.save()
assert "best" not in wandb.Api().artifact("art/ds:v0").aliases
shelf = wandb.Api().artifact("art/shelf:picked")
assert shelf.version == "v0" and sorted(shelf.manifest.entries) == ["a.txt", "ref", "sub/b.txt"], shelf.version
versions = [x.version for x in (api.artifacts("dataset", "art/ds") if hasattr(api, "artifacts") else api.artifact_versions("dataset", "art/ds"))]
assert sorted(versions) == ["v0", "v1"], versions
assert {t.name for t in api.artifact_types("art")} >= {"dataset", "model"}
assert api.artifact("art/net:prod").type == "model"
assert sorted(api.artifact("art/ds:v1").manifest.entries) == ["a.txt", "ref", "sub/b.txt"]

with wandb.init(project="art", id="fixed", resume="allow") as run:
    for i in range(5):
        run.log({"x": i})
with wandb.init(project="art", id="fixed", resume="must") as run:
    assert run.resumed
    run.log({"x": 5})
rows = wandb.Api().run("art/fixed").history(pandas=False)
assert [(r["_step"], r["x"]) for r in rows] == [(i, i) for i in range(6)], rows

with wandb.init(project="art", id="fixed") as run:  # and not resumed: it starts again
    run.log({"x": 7})
rows = wandb.Api().run("art/fixed").history(pandas=False)
assert [(r["_step"], r["x"]) for r in rows] == [(0, 7)], rows

# What a run logs that is there already is an output of it too.
with wandb.init(project="art") as run:
    again = wandb.Artifact("net", type="model")
    again.add_file("model.bin")
    run.log_artifact(again)
    other = run.id
assert [x.name for x in wandb.Api().run("art/" + other).logged_artifacts()] == ["net:v0"]

# Several processes make one version, twice.
for i in range(2):
    for part in "pq":
        with wandb.init(project="art", group="together") as run:
            a = wandb.Artifact("parts", type="dataset")
            write(part + ".txt", "%s %d" % (part, i))
            a.add_file(part + ".txt")
            run.upsert_artifact(a)
    with wandb.init(project="art", group="together") as run:
        run.finish_artifact(wandb.Artifact("parts", type="dataset"))
for i in range(2):
    path = wandb.Api().artifact("art/parts:v%d" % i).download(root="parts%d" % i)
    assert [open(os.path.join(path, part + ".txt")).read() for part in "pq"] == ["p %d" % i, "q %d" % i]
print("ok", made, used)
