#!/usr/bin/env bash
# Writes what is made from other files: manifests/install.yaml, and what the charts have from elsewhere. See --help.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly repository

usage() {
  cat <<'END'
usage: scripts/render-manifests.sh [--print]

Writes
- manifests/install.yaml: what `kubectl kustomize manifests/overlays/cluster-wide` says (needs kubectl);
- helm/todoapp-operator/files: copies of the CRD, the roles, the alerts and the dashboard, for a chart takes no file
  from outside of its folder;
- helm/todoapp/values.schema.json and the tables of values in the charts' READMEs;
- docs/api-reference.md, from the CRD. (The last two need python3 with PyYAML, which build/venv has.)

  --print  print install.yaml instead, and write nothing
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
    python=$repository/build/venv/bin/python
    [ -x "$python" ] || python=python3
    "$python" -B "$repository/scripts/lib/render_charts.py"
    "$python" -B "$repository/scripts/lib/render_api.py"
    ;;
  --print) render ;;
  --help | -h) usage ;;
  *)
    echo "error: unknown argument: $1; see --help" >&2
    exit 1
    ;;
esac
