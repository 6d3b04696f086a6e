"""Enqueues a job a line of its stdin, of the kind that is named, after the one that they wait for. By itself, as a job is
called by the name of its module."""

import sys

import jobs

first, *others = sys.stdin.read().splitlines()
jobs.run(first)
for command in others:
    getattr(jobs, sys.argv[1])(command)
