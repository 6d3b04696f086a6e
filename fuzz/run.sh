#!/usr/bin/env bash
# Fuzzes one target, or all of them one after the other, guided by coverage, on the stable toolchain:
#   fuzz/run.sh all 30        every target for thirty seconds
#   fuzz/run.sh task_file 600 one for ten minutes
#   fuzz/run.sh --keep NAME   takes what was found into the committed corpus, as little as covers the same
# Needs a C++ compiler for libFuzzer. What fails is written to target/fuzz/artifacts/NAME; move it into corpus/NAME,
# where tests/fuzz.rs holds it for ever.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly TRIPLE=$(rustc -vV | sed -n 's/^host: //p')
readonly WORK=${CARGO_TARGET_DIR:-../target}/fuzz
targets=(task_file stream command configuration signature chat)

build() {
  # What cargo-fuzz would ask for, without the sanitizers: there is no unsafe code here that they would watch.
  local flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
  flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
  flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code"
  # The daemon's own versions, and libFuzzer besides.
  cp ../Cargo.lock Cargo.lock
  SQLX_OFFLINE=true RUSTFLAGS=$flags CARGO_TARGET_DIR=$WORK/build cargo build --release --target "$TRIPLE"
}

fuzz() {
  local name=$1 seconds=$2
  mkdir -p "$WORK/corpus/$name" "$WORK/artifacts/$name"
  printf -- '--- %s, %s s\n' "$name" "$seconds"
  FUZZ_TARGET=$name "$WORK/build/$TRIPLE/release/orchestrator-fuzz" \
    "$WORK/corpus/$name" "corpus/$name" -artifact_prefix="$WORK/artifacts/$name/" \
    -dict="dictionaries/$name" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -verbosity=1 2>&1 | grep -vE '^#[0-9]+\s+(NEW|REDUCE|pulse|RELOAD)|^INFO'
}

keep() {
  local name=$1 kept
  kept=$(mktemp -d)
  FUZZ_TARGET=$name "$WORK/build/$TRIPLE/release/orchestrator-fuzz" -merge=1 -max_len=4096 \
    "$kept" "corpus/$name" "$WORK/corpus/$name" 2>&1 | tail -1
  find "$kept" -type f -printf '%s %p\n' | sort -n | head -"${KEEP:-60}" | cut -d' ' -f2- |
    xargs -I{} cp -n {} "corpus/$name/"
  rm -rf "$kept"
}

build
if [ "$1" = --keep ]; then
  keep "$2"
elif [ "$1" = all ]; then
  for name in "${targets[@]}"; do fuzz "$name" "$2"; done
else
  fuzz "$1" "$2"
fi
