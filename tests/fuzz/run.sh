#!/usr/bin/env bash
# Builds and runs the fuzz targets of this folder.
#
#   tests/fuzz/run.sh build              builds them all: clang, AddressSanitizer, UndefinedBehaviorSanitizer
#   tests/fuzz/run.sh TARGET test        the seeds, and the same few thousand inputs each time
#   tests/fuzz/run.sh TARGET [SECONDS]   the seeds, then whatever libFuzzer makes of them (default: 60 s)
#
# What a run finds lies in build/fuzz/found; what it learned, in build/fuzz/corpus, where the next run by hand begins.
# An input that found something becomes a seed in tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${1:-}" = build ]; then
  cmake --preset fuzz
  exec cmake --build --preset fuzz --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-2}"
fi

target=${1:?a target, or build} seconds=${2:-60}
program=build/fuzz/fuzz_$target learned=build/fuzz/corpus/$target
[ -x "$program" ] || { echo "no $program: tests/fuzz/run.sh build" >&2 && exit 2; }
mkdir -p build/fuzz/found "$learned"
options=(-timeout=60 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build/fuzz/found/$target-")
if [ "$seconds" = test ]; then
  # Nothing is left to chance, so that it can be held against the run before; the time is a limit for slow machines.
  learned=$(mktemp -d)
  trap 'rm -rf "$learned"' EXIT
  options+=(-seed=1 -runs=4000)
  seconds=20
fi
# The first folder takes what is new, so the seeds stay as they are.
"$program" "${options[@]}" -max_total_time="$seconds" "$learned" "tests/fuzz/corpus/$target"
