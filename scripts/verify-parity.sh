#!/usr/bin/env bash
# The Todo app does through the cluster what it does alone: see --help.
set -euo pipefail
# shellcheck source=scripts/lib/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/prepare.sh"

usage() {
  cat <<'END'
usage: scripts/verify-parity.sh --cluster URL [--alone URL] [--no-page]

Runs the same checks of REST and of the page (in a Chromium without a window) against the Todo app run alone and through
the cluster, and says of each check whether the answers are the same and as they should be.

  --cluster URL   the address that scripts/deploy-local.sh printed
  --alone URL     the app run alone; without it both programs are built and started here, on free ports and with an empty
                  database of their own, and ended afterwards
  --no-page       only the checks of REST: no browser is needed

What the checks make has a title of its own and is deleted at the end; other todos stay as they are.

Exit code: 0 all the same and right; 1 not so; 2 wrong usage, or one of them does not answer.
END
}

cluster='' alone='' page=yes
while [ $# != 0 ]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --no-page) page=no ;;
    --cluster | --alone)
      [[ ${2:-} =~ ^https?://[^/]+/?$ ]] || wrong_usage "$1 needs an address such as http://127.0.0.1:30000"
      if [ "$1" = --cluster ]; then cluster=${2%/}; else alone=${2%/}; fi
      shift
      ;;
    *) wrong_usage "unknown argument: $1" ;;
  esac
  shift
done
[ -n "$cluster" ] || wrong_usage "--cluster is missing"

# Asked before anything is installed or built, which takes minutes.
for address in "$cluster" ${alone:+"$alone"}; do
  command -v curl >/dev/null || break
  curl --silent --fail --noproxy '*' --max-time 10 --output /dev/null "$address/health" || {
    echo "error: $address does not answer /health as the Todo page does" >&2
    exit 2
  }
done

arguments=(--cluster "$cluster")
prepare_venv
if [ "$page" = yes ]; then prepare_packages browser; else arguments+=(--no-page); fi
if [ -n "$alone" ]; then
  arguments+=(--alone "$alone")
else
  prepare_packages build
  prepare_frontend
  build_preset release todo-backend
  arguments+=(--backend "$repository/build/release/todo-backend")
fi
PYTHONPATH=$repository/tests exec "$venv/bin/python" -B "$repository/scripts/lib/parity.py" "${arguments[@]}"
