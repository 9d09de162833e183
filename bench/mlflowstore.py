#!/usr/bin/env python3
"""Copies the runs of a store of xt's, in SQLite, into a new database of MLflow's, so
that MLflow's page can be measured over the same ones. Needs MLflow. See README.md."""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from pathlib import Path

COPY = """
INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id, source_version)
  SELECT run_id, name, 'UNKNOWN', '', '', user_id, status, start_time, end_time, 'active', 'mlflow-artifacts:/0/' || run_id || '/artifacts', 0, '' FROM xt.runs;
INSERT INTO params (run_uuid, key, value)
  SELECT run_id, names.name, value FROM xt.params p JOIN xt.runs r ON r.id = p.run JOIN xt.names ON names.id = p.name;
INSERT INTO tags (run_uuid, key, value)
  SELECT run_id, names.name, value FROM xt.tags t JOIN xt.runs r ON r.id = t.run JOIN xt.names ON names.id = t.name;
INSERT OR REPLACE INTO tags (run_uuid, key, value) SELECT run_id, 'mlflow.runName', name FROM xt.runs;
INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan)
  SELECT run_id, names.name, value, time, step, is_nan FROM xt.metrics m JOIN xt.runs r ON r.id = m.run JOIN xt.names ON names.id = m.name;
INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)
  SELECT run_id, names.name, value, time, step, is_nan FROM xt.latest_metrics m JOIN xt.runs r ON r.id = m.run JOIN xt.names ON names.id = m.name;
"""


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("xt", type=Path, help="the store to read")
    p.add_argument("mlflow", type=Path, help="the database to make")
    opts = p.parse_args()
    if not opts.xt.is_file():
        p.error(f"there is no {opts.xt}")
    if opts.mlflow.exists():
        p.error(f"{opts.mlflow} is there already")

    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with tempfile.TemporaryDirectory() as artifacts:
        SqlAlchemyStore(f"sqlite:///{opts.mlflow}", artifacts)  # makes the tables, and experiment 0
    db = sqlite3.connect(opts.mlflow)
    db.execute("ATTACH ? AS xt", (str(opts.xt),))
    db.executescript("BEGIN;" + COPY + "COMMIT;")
    print(db.execute("SELECT count(*) FROM runs").fetchone()[0], "runs")
    db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
