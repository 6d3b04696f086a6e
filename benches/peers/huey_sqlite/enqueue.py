"""Enqueues a job a line of its stdin. By itself, as a job is called by the name of its module."""

import sys

from jobs import run

for command in sys.stdin.read().splitlines():
    run(command)
