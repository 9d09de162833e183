"""Logs curves, tables, a picture and an artifact with W&B's client."""

import numpy
import wandb

run = wandb.init(project="llm-tuning", config={"learning_rate": 0.001, "epochs": 10})
for epoch in range(wandb.config.epochs):
    wandb.log({"loss": 0.5 * (10 - epoch), "epoch": epoch})
    if epoch % 5 == 0:
        table = wandb.Table(columns=["prompt", "generation"])
        table.add_data("Hello", f"World {epoch}")
        wandb.log({"examples": table})
wandb.log({"attention": wandb.Image(numpy.eye(16) * 255)})
with open("vocabulary.txt", "w") as f:
    f.write("hello\nworld\n")
artifact = wandb.Artifact("tokenizer", type="model")
artifact.add_file("vocabulary.txt")
run.log_artifact(artifact)
wandb.finish()
