"""Several processes, each with a run of its own, in one group."""

import multiprocessing

import wandb


def work(rank):
    with wandb.init(project="group", group="g", job_type="worker", name="rank-%d" % rank) as run:
        for i in range(200):
            run.log({"loss": rank + i})


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    processes = [multiprocessing.Process(target=work, args=(rank,)) for rank in range(3)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
        assert p.exitcode == 0, p.exitcode
    runs = wandb.Api().runs("group", filters={"group": "g"}, order="+display_name")
    assert [r.name for r in runs] == ["rank-0", "rank-1", "rank-2"], [r.name for r in runs]
    print("ok")
