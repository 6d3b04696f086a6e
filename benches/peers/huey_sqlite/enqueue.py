"""Enqueues a job a line of its stdin, of the kind that is named, after the one that they wait for, and prints how many seconds
that took. By itself, as a job is called by the name of its module."""

import sys
import time

import jobs

first, *others = sys.stdin.read().splitlines()
jobs.run(first)
began = time.perf_counter()
for command in others:
    getattr(jobs, sys.argv[1])(command)
print(time.perf_counter() - began)
