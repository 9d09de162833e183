"""Collections of artifacts: links, registries, names, types, tags, order, deletion."""

import wandb


def write(name, text):
    with open(name, "w") as f:
        f.write(text)


def log(run, name, text, **more):
    write("a.txt", text)
    a = wandb.Artifact(name, type="model", **more)
    a.add_file("a.txt")
    return run.log_artifact(a).wait()


def fails(call, *errors):
    try:
        call()
    except errors or (wandb.errors.CommError, ValueError):
        return True
    return False


with wandb.init(project="coll") as run:
    entity = run.entity
    v0 = log(run, "net", "zero", metadata={"score": 3})
    v1 = log(run, "net", "one", metadata={"score": 1})
    link = run.link_artifact(v1, "shelf", aliases=["good"])
    assert link.is_link and link.version == "v0" and link.source_version == "v1", link.version
    assert run.link_artifact(v1, "shelf", aliases=["again"]).version == "v0"
    assert v0.link("coll/shelf").version == "v1"
    listed = v1.link("wandb-registry-model/best", aliases=["prod"])
    assert listed.project == "wandb-registry-model", listed.qualified_name
    assert fails(lambda: run.link_artifact(v1, "net")), "linked to a sequence"
    write("w.bin", "weights")
    run.link_model("w.bin", "registered", name="w")
    assert open(run.use_model("model-registry/registered:v0")).read() == "weights"

api = wandb.Api()
shelf = api.artifact("coll/shelf:v0")
assert set(shelf.aliases) == {"good", "again"} and set(api.artifact("coll/shelf:v1").aliases) == {"latest"}
assert "good" not in api.artifact("coll/net:v1").aliases
assert api.artifact("wandb-registry-model/best:prod").source_name == "net:v1"
assert sorted(x.qualified_name.split("/", 1)[1] for x in api.artifact("coll/net:v1").linked_artifacts) == ["coll/shelf:v0", "wandb-registry-model/best:v0"]
shelf.aliases = ["shelved"]
shelf.save()
assert wandb.Api().artifact("coll/shelf:shelved").aliases == ["shelved"] and fails(lambda: wandb.Api().artifact("coll/shelf:good"))
assert wandb.Api().artifact("coll/shelf:shelved").download(root="down") and open("down/a.txt").read() == "one"
shelf.unlink()
assert not wandb.Api().artifact_exists("coll/shelf:v0") and api.artifact_exists("coll/net:v1") and api.artifact_exists("coll/shelf:v1")

# What is said of a collection, its name and its type.
net = api.artifact_collection("model", "coll/net")
assert fails(lambda: api.artifact_collection("dataset", "coll/net"))
net.description, net.name, net.tags = "networks", "nets", ["a", "b"]
net.save()
net.tags.remove("a")
net.save()
net = wandb.Api().artifact_collection("model", "coll/nets")
assert net.description == "networks" and net.tags == ["b"] and net.is_sequence(), net.tags
assert fails(lambda: wandb.Api().artifact("coll/net:v0"))
again = wandb.Api().artifact("coll/nets:v0")
assert again.name == "nets:v0" and api.artifact("coll/shelf:v1").id == again.id
taken = api.artifact_collection("model", "coll/w")
taken.name = "nets"
assert fails(taken.save), "two collections of one name"
net.type = "network"
net.save()
assert wandb.Api().artifact("coll/nets:v1").type == "network"
assert {t.name for t in wandb.Api().artifact_types("coll")} == {"model", "network"}
with wandb.init(project="coll") as run:
    v2 = log(run, "net", "a new one under the old name")
    assert v2.version == "v0" and v2.collection.id != net.id

# Order, filters and tags of versions and of collections.
again.tags.append("kept")
again.save()
api = wandb.Api()
assert [x.version for x in api.artifacts("network", "coll/nets", order="version_index")] == ["v0", "v1"]
assert [x.version for x in api.artifacts("network", "coll/nets", order="-createdAt")] == ["v1", "v0"]
assert [x.version for x in api.artifacts("network", "coll/nets", tags=["kept"])] == ["v0"]
assert [x.version for x in wandb.apis.public.Artifacts(api._service_api, entity, "coll", "nets", "network", filters={"metadata.score": {"$gt": 2}})] == ["v0"]
assert [x.name for x in api.project("coll", entity).collections(order="-name", filters={"name": {"$in": ["nets", "shelf"]}})] == ["shelf", "nets"]
assert api.artifact_collection("network", "coll/nets").aliases == ["latest"]

# Links go with what they lead to.
assert fails(api.artifact("coll/nets:v1").delete), "a version with aliases was deleted"
api.artifact("coll/nets:v1").delete(delete_aliases=True)
assert not api.artifact_exists("wandb-registry-model/best:v0") and api.artifact_exists("coll/nets:v0")
api.artifact_collection("network", "coll/nets").delete()
api = wandb.Api()
assert not api.artifact_exists("coll/nets:v0") and not api.artifact_exists("coll/shelf:v1")
api.artifact_collection("model", "coll/shelf").delete()
assert fails(lambda: wandb.Api().artifact_collection("model", "coll/shelf"))
print("ok")
