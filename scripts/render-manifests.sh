#!/usr/bin/env bash
# Writes manifests/install.yaml, the whole install as one file, from manifests/overlays/cluster-wide: see --help.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly repository

usage() {
  cat <<'END'
usage: scripts/render-manifests.sh [--print]

Writes manifests/install.yaml: what `kubectl kustomize manifests/overlays/cluster-wide` says. Needs kubectl.

  --print  print it instead
END
}

render() {
  echo "# Written by scripts/render-manifests.sh from manifests/overlays/cluster-wide; do not edit."
  echo "# kubectl apply --server-side -f manifests/install.yaml"
  kubectl kustomize "$repository/manifests/overlays/cluster-wide"
}

command -v kubectl >/dev/null || {
  echo "error: kubectl is missing; cluster/build makes one" >&2
  exit 1
}
case ${1:-} in
  '')
    # Whole or not at all.
    new=$(mktemp "$repository/manifests/.install.XXXXXX")
    trap 'rm -f "$new"' EXIT
    render >"$new"
    chmod 644 "$new"
    mv "$new" "$repository/manifests/install.yaml"
    ;;
  --print) render ;;
  --help | -h) usage ;;
  *)
    echo "error: unknown argument: $1; see --help" >&2
    exit 1
    ;;
esac
