"""A run without a server, whose folder is then synchronised or imported."""

import wandb

with wandb.init(project="away", name="far", config={"lr": 0.1}, mode="offline") as run:
    for i in range(3000):
        run.log({"loss": 1 / (i + 1)})
    run.log({"t": wandb.Table(columns=["a", "b"], data=[[1, "x"], [2, "y"]])})
    run.config.update({"late": 3})
    run.summary["best"] = 0.5
    a = wandb.Artifact("ds", type="dataset")
    with a.new_file("x.txt") as f:
        f.write("hello")
    run.log_artifact(a)
    print("written far away")
