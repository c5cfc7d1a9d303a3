#!/usr/bin/env bash
# Everything that the tests need, then all tests; closes with ctest's own summary: see --help.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/prepare.sh
source scripts/lib/prepare.sh

usage() {
  cat <<'END'
usage: scripts/test.sh [ARGUMENT OF CTEST...]
       scripts/test.sh --kubernetes VERSION [ARGUMENT OF CTEST...]

Installs what is missing, builds everything (the operator with two compilers, the local cluster's programs, the images), then
runs all tests. The first time that takes more than an hour on two cores. Closes with ctest's summary, and says of each test
that failed why.

  scripts/test.sh -R '^unit'             only the tests whose names fit; ctest --test-dir build/dev -N lists them afterwards
  scripts/test.sh --kubernetes VERSION   only the tests of the operator against a real API server, with that minor version in
                                         place of the default one: those of cluster/modules, such as 1.35
  scripts/test.sh --help                 say this

Exit code: 0 all tests passed; another one: not so.
END
}

for argument in "$@"; do
  case $argument in --help | -h) usage && exit 0 ;; esac
done

run_tests() {
  local status=0 report=$PWD/build/dev/tests.xml
  step "running the tests"
  rm -f "$report"
  # One more than there are cores: integration tests wait more than they work.
  ctest --test-dir build/dev --output-on-failure --no-tests=error --no-label-summary -j "$(($(nproc) + 1))" \
    --output-junit "$report" --test-output-truncation head "$@" || status=$?
  if [ "$status" = 0 ]; then
    step "all tests passed"
  else
    step "tests failed; each failure is printed above, and here why, in short"
    [ ! -f "$report" ] || "$venv/bin/python" scripts/lib/failures.py "$report"
  fi
  return "$status"
}

if [ "${1:-}" = --kubernetes ]; then
  [ -n "${2:-}" ] || fail "--kubernetes needs a version, such as 1.35"
  # Read by cluster/local, whoever starts it.
  export TODOAPP_KUBERNETES=$2
  step "building the local cluster's programs"
  prepare_kubernetes "$2"
  prepare_packages build test cluster
  prepare_venv
  build_preset dev
  run_tests -L '^kubernetes$' "${@:3}"
  exit
fi
# To ctest it is nothing, and the default version would be tested.
for argument in "$@"; do
  [[ $argument != --kubernetes* ]] || fail "--kubernetes VERSION comes first, and in two words"
done

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
# With sanitizers; libFuzzer's programs are all that it makes.
build_preset fuzz

run_tests "$@"
