"""Several processes that log into one run at once, in shared mode."""

import multiprocessing
import uuid

import wandb


def work(i, name):
    settings = wandb.Settings(x_label="worker %d" % i, x_primary=i == 0, x_update_finish_state=i == 0)
    with wandb.init(project="shared", id=name, mode="shared", settings=settings, config={"c%d" % i: i}) as run:
        for k in range(50):
            run.log({"w%d/loss" % i: k})
            print("line %d of %d" % (k, i))
        run.summary["best%d" % i] = i


if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    name = uuid.uuid4().hex
    workers = [spawn.Process(target=work, args=(i, name)) for i in range(3)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
        assert w.exitcode == 0
    run = wandb.Api().run("shared/" + name)
    rows = run.history(pandas=False, samples=1000)
    assert [r["_step"] for r in rows] == list(range(150)), len(rows)
    assert [r["_step"] for r in run.scan_history()] == list(range(150))
    for i in range(3):
        assert [r["w%d/loss" % i] for r in rows if "w%d/loss" % i in r] == list(range(50))
        assert run.config["c%d" % i] == i and run.summary["best%d" % i] == i and run.summary["w%d/loss" % i] == 49
    print("ok")
