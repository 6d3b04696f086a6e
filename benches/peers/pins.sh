# The programs beside which the daemon is measured and that aren't on PyPI: sourced by setup.sh, part of the cache's key.
readonly PUEUE=4.0.4
readonly TASK_SPOOLER='1.0.1+dfsg1-*'
