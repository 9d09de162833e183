"""A script as people write it: config, curves, tables, finish."""

import wandb

wandb.init(project="finetuning", config={"learning_rate": 0.001, "epochs": 10, "batch_size": 32})
config = wandb.config
for epoch in range(config.epochs):
    wandb.log({"loss": 0.5 * (10 - epoch), "epoch": epoch})
    if epoch % 5 == 0:
        table = wandb.Table(columns=["prompt", "generation"])
        table.add_data("Hello", "World")
        wandb.log({"examples": table})
wandb.finish()
