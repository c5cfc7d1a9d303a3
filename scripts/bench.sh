#!/usr/bin/env bash
# What apps cost the operator: builds it as it is shipped, then measures it. `scripts/bench.sh --help` says the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib/prepare.sh
source scripts/lib/prepare.sh

case " $* " in
  *" --help "* | *" -h "*) ;;
  *)
    prepare_packages build test cluster
    prepare_venv
    prepare_kubectl
    cluster/build --nodes none
    # Another program is measured as it is.
    [[ " $* " == *" --operator"* ]] || build_preset release todoapp-operator
    ;;
esac
exec "$venv/bin/python" -B tests/bench "$@"
