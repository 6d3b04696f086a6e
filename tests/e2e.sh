#!/usr/bin/env bash
# Plays the round trip with everything real but Telegram and the model: phone → n8n → daemon → Claude CLI, and back.
# The first run installs n8n (2.6 GB, a few minutes); after that it takes less than five. Arguments choose tests by name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests/e2e/setup.sh n8n >/dev/null
# One at a time: they share n8n's addresses.
exec cargo test --locked --test e2e -- --test-threads=1 --show-output "$@"
