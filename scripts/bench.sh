#!/usr/bin/env bash
# What apps cost the operator: builds it as it is shipped, then measures it. `scripts/bench.sh --help` says the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/prepare.sh
source scripts/lib/prepare.sh

usage() {
  cat <<'END'
usage: scripts/bench.sh [--apps N...] [--operator FILE] [--api-client asio|cpprestsdk] [--json FILE] [--document]

Measures what apps cost the operator (requests, CPU, memory, delays), on a control plane of its own for each number of apps.
Installs and builds what that needs; then it takes minutes. Prints a table.

  --apps N...          how many apps; each number is a run of its own (default: 1 100 1000)
  --operator FILE      measure this program (default: build/release/todoapp-operator, which is built)
  --api-client NAME    asio (default) or cpprestsdk
  --json FILE          where the figures go (default: build/bench.json)
  --document           put them into docs/performance.md as well
  --help               say this
END
}

case " $* " in
  *" --help "* | *" -h "*) usage && exit 0 ;;
esac
prepare_packages build test cluster
prepare_venv
prepare_kubectl
cluster/build --nodes none
# Another program is measured as it is.
[[ " $* " == *" --operator"* ]] || build_preset release todoapp-operator
exec "$venv/bin/python" -B tests/bench "$@"
