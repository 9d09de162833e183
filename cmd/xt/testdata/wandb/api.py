"""What wandb.Api finds, and what it does not."""

import wandb

ids = []
for i in range(3):
    with wandb.init(project="api", name="n%d" % i, tags=["a", "b"][:i], group="g" if i else None, config={"lr": i, "sizes": [1, 2, 3][: i + 1]}) as run:
        run.log({"loss": i})
        run.alert("first", "of two")
        run.alert("second", "of two", level=wandb.AlertLevel.ERROR)
        ids.append(run.id)


def found(filters):
    return sorted(r.name[1:] for r in wandb.Api().runs("api", filters=filters))


for filters, want in [
    ({"tags": {"$all": ["a", "b"]}}, ["2"]),
    ({"tags": {"$size": 1}}, ["1"]),
    ({"tags": []}, ["0"]),
    ({"display_name": {"$regex": "^N[12]", "$options": "i"}}, ["1", "2"]),
    ({"sweep": None}, ["0", "1", "2"]),
    ({"group": {"$exists": False}}, ["0"]),
    ({"group": {"$exists": True}}, ["1", "2"]),
    ({"config.sizes": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, ["1", "2"]),
    ({"$not": {"display_name": "n1"}}, ["0", "2"]),
    ({"config.lr": {"$not": {"$gt": 0}}}, ["0"]),
    ({"user.username": "local", "created_at": {"$gt": "2020-01-01"}}, ["0", "1", "2"]),
]:
    assert found(filters) == want, (filters, found(filters))


def refused(call, text):
    try:
        call()
    except Exception as e:
        assert text in str(e), e
    else:
        raise SystemExit("not refused: " + text)


refused(lambda: found({"config.lr": {"$frob": 1}}), "filters have no operator $frob")
refused(lambda: len(wandb.Api().runs("gone")), "Could not find project gone")
refused(lambda: wandb.Api().project("gone").id, "Project gone not found")
refused(lambda: wandb.Api().artifact("gone/a:v0"), "project 'gone' not found")
api = wandb.Api()
api.create_project("made", "local")
assert [p.name for p in api.projects("local")] == ["api", "made"]
project = api.project("made", "local")
assert len(project.sweeps()) == 0 and list(project.sweeps()) == [] and project.owner.username == "local"
assert api.organization("local").org_entity.name == "local"
refused(lambda: api.organization("other"), "not found")
assert api.viewer.username == "local" and api.user("local").username == "local" and api.user("nobody") is None

run = wandb.Api().run("api/" + ids[0])
with open("up.txt", "w") as f:
    f.write("up")
run.upload_file("up.txt")
assert wandb.restore("up.txt", run_path="local/api/" + ids[0], root="restored").read() == "up"
refused(lambda: wandb.restore("gone.txt", run_path="local/api/" + ids[0], root="restored"), "File gone.txt not found")

# Deleting a run with what it made, once.
with wandb.init(project="api", id="maker") as run:
    a = wandb.Artifact("data", type="dataset")
    with a.new_file("f") as f:
        f.write("1")
    run.log_artifact(a, aliases=["best"]).wait()
one, other = wandb.Api().run("api/maker"), wandb.Api().run("api/maker")
one.delete(delete_artifacts=True)
assert not wandb.Api().artifact_exists("api/data:v0")
other.delete()
refused(lambda: wandb.Api().run("api/maker"), "Could not find run")
print("ok", ids[0])
