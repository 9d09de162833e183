"""Runs that go on from others, go back, and start again under the same name."""

import wandb


def steps(name, key="loss"):
    run = wandb.Api().run("branch/" + name)
    rows = run.history(pandas=False)
    assert [r["_step"] for r in run.scan_history()] == [r["_step"] for r in rows]
    return [(r["_step"], r[key]) for r in rows]


with wandb.init(project="branch", id="base", config={"a": 1}, tags=["first"]) as run:
    for i in range(10):
        run.log({"loss": 10 - i, "html": wandb.Html("<p>%d</p>" % i)})
    with open("note.txt", "w") as f:
        f.write("hello")
    run.save("note.txt")
before = [(i, 10 - i) for i in range(10)]

with wandb.init(project="branch", id="child", fork_from="base?_step=4", config={"b": 2}) as run:
    for i in range(3):
        run.log({"loss": 100 + i})
assert steps("child") == before[:5] + [(5, 100), (6, 101), (7, 102)], steps("child")
child = wandb.Api().run("branch/child")
assert child.config == {"b": 2} and steps("base") == before
shown = child.history(pandas=False)[2]["html"]["path"]
with child.file(shown).download(root="shown") as f:
    assert "<p>2</p>" in f.read()
try:
    wandb.init(project="branch", id="orphan", fork_from="nobody?_step=4")
    raise SystemExit("forked from a run that is not there")
except wandb.errors.Error as e:
    assert "could not find run" in str(e), e

with wandb.init(project="branch", resume_from="base?_step=6", config={"c": 3}) as run:
    for i in range(2):
        run.log({"loss": 200 + i})
assert steps("base") == before[:7] + [(7, 200), (8, 201)], steps("base")
base = wandb.Api().run("branch/base")
assert base.config == {"a": 1, "c": 3} and base.summary["loss"] == 201 and base.state == "finished"
assert open(base.file("note.txt").download(root="down").name).read() == "hello"

with wandb.init(project="branch", id="base", config={"d": 4}) as run:
    run.log({"loss": 300})
base = wandb.Api().run("branch/base")
assert steps("base") == [(0, 300)] and base.config == {"d": 4} and base.tags == [], base.config
with wandb.init(project="branch", id="base", resume="allow") as run:
    run.log({"loss": 301})
assert steps("base") == [(0, 300), (1, 301)]
assert len(wandb.Api().runs("branch")) == 2
print("ok")
