"""Logs for some seconds, and says when it is under way."""

import time

import wandb

run = wandb.init(project="long", id="long")
for i in range(4000):
    run.log({"loss": i})
    if i % 1000 == 999:
        print("logged", i + 1, flush=True)
    time.sleep(0.002)
run.finish()
print("finished", flush=True)
