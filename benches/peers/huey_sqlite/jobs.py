"""Jobs for huey on SQLite, each enqueued and taken durably. Configured by the environment: BENCH_FOLDER."""

import json
import os
import subprocess

from huey import SqliteHuey

huey = SqliteHuey(filename=os.path.join(os.environ["BENCH_FOLDER"], "huey.db"), fsync=True)


@huey.task()
def run(command):
    subprocess.run(command.split(), check=True)


@huey.task()
def judge(command):
    """What a daemon for runs does at least: it reads what was printed, doesn't go by the exit code, and keeps the result."""
    run.call_local(command)
    output = command.split()[1]
    with open(output) as file:
        result = json.loads(file.readlines()[-1])
    if result["subtype"] != "success" or result["is_error"]:
        raise RuntimeError(f"{output}: {result['result']}")
    return {key: result[key] for key in ("result", "session_id", "total_cost_usd", "usage")}
