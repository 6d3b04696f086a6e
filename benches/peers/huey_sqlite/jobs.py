"""Jobs for huey on SQLite, each enqueued and taken durably. Configured by the environment: BENCH_FOLDER."""

import os
import subprocess

from huey import SqliteHuey

huey = SqliteHuey(filename=os.path.join(os.environ["BENCH_FOLDER"], "huey.db"), fsync=True)


@huey.task()
def run(command):
    subprocess.run(command.split(), check=True)
