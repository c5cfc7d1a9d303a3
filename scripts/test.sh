#!/usr/bin/env bash
# Everything that the tests need, then all tests; closes with ctest's own summary.
#
#   scripts/test.sh            all of it, from a bare machine
#   scripts/test.sh -R REGEX   only some tests (what follows goes to ctest)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/prepare.sh
source scripts/lib/prepare.sh

nodes=none groups=(build test browser cluster)
# Only root can have real pods, and so a use for their images.
if [ "$(id -u)" = 0 ]; then nodes=real groups+=(images); fi
prepare_packages "${groups[@]}"
prepare_venv
prepare_kubectl
prepare_frontend

# The programs of the local cluster take as long as ours; both are built before anything is timed.
step "building the local cluster's programs"
cluster/build --nodes none
cluster/build --nodes "$nodes"
prepare_chart_tools

if [ "$nodes" = real ]; then
  step "building the images"
  scripts/build-images.sh
fi

build_preset dev
# The second compiler; clang-tidy reads what this build leaves behind.
build_preset clang

step "running the tests"
# One more than there are cores: integration tests wait more than they work.
if ctest --test-dir build/dev --output-on-failure --no-tests=error -j "$(($(nproc) + 1))" "$@"; then
  step "all tests passed"
else
  status=$?
  step "tests failed; each failure is printed above"
  exit "$status"
fi
