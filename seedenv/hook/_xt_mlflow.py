"""What xt keeps working for scripts that were written against another MLflow.

It is imported when a script first imports the part of MLflow that is concerned.
"""

import csv
import functools
import inspect
import io
import os
import tempfile


def keep_pickle(pytorch):
    """Let log_model and save_model store a model that comes without an example.

    From 3.14 on they store an exported program unless told otherwise, which needs
    an example of the input. Until then they pickled the model.
    """
    for name in ("log_model", "save_model"):
        function = getattr(pytorch, name)
        names = inspect.signature(function).parameters
        if "serialization_format" in names and "input_example" in names:
            setattr(pytorch, name, pickling(function))


def pickling(function):
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            given = {"serialization_format": None}  # the call below says what is wrong
        chosen = ("serialization_format", "export_model", "signature", "input_example")
        if not any(given.get(name) is not None and given.get(name) is not False for name in chosen):
            kwargs["serialization_format"] = "pickle"
        return function(*args, **kwargs)

    return call


TABLE = "llm_predictions.csv"
HEADER = ("inputs", "outputs", "prompts")


def fill_llm(module):
    """Give mlflow.llm, which was there from 2.3 to 2.9, its one function.

    It takes what people pass: lists of inputs, outputs and prompts as in those
    releases, or one list of dictionaries, or a data frame; and a folder of the
    run to write to.
    """

    def log_predictions(inputs, outputs=None, prompts=None, artifact_path=None):
        """Log a table of inputs, outputs and prompts as llm_predictions.csv.

        A table that is there is added to. A run is started if none is active.
        """
        if hasattr(inputs, "to_dict") and hasattr(inputs, "columns"):
            inputs = inputs.to_dict("records")
        add_rows(as_rows(list(inputs), outputs, prompts), artifact_path)

    module.log_predictions = log_predictions
    module.__all__ = ["log_predictions"]


def as_rows(inputs, outputs, prompts):
    """Return the rows of a table, as dictionaries."""
    if outputs is None and prompts is None:
        if not inputs:
            raise ValueError("There are no predictions to log.")
        return [row if isinstance(row, dict) else {"inputs": row} for row in inputs]
    columns = [inputs]
    for column in (outputs, prompts):
        columns.append([None] * len(inputs) if column is None else list(column))
    if not inputs or any(len(column) != len(inputs) for column in columns):
        raise ValueError("The length of inputs, outputs and prompts must be the same and not empty.")
    return [dict(zip(HEADER, row)) for row in zip(*columns)]


def add_rows(rows, folder):
    """Add rows to the table in a folder of the active run."""
    import mlflow

    folder = (folder or "").rstrip("/") or None
    run = mlflow.active_run() or mlflow.start_run()
    client = mlflow.tracking.MlflowClient()
    name = folder + "/" + TABLE if folder else TABLE
    with tempfile.TemporaryDirectory() as scratch:
        if any(f.path == name for f in client.list_artifacts(run.info.run_id, folder)):
            path = client.download_artifacts(run.info.run_id, name, scratch)
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file)) + rows
        path = os.path.join(scratch, TABLE)
        with open(path, "w", newline="", encoding="utf-8") as file:
            file.write(as_csv(rows))
        client.log_artifact(run.info.run_id, path, folder)


def as_csv(rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
