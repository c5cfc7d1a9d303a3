#!/usr/bin/env bash
# From nothing to a running Todo app on this machine: see --help.
#
# A list of steps each of which does nothing where its result is there; so a second run changes nothing, and one that was
# interrupted goes on. With real pods the operator runs in the cluster, as manifests/install.yaml has it; where pods are only
# simulated, it runs beside it.
set -euo pipefail
# shellcheck source=scripts/lib/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/prepare.sh"

usage() {
  cat <<'END'
usage: scripts/deploy-local.sh [--nodes real|simulated] [--dir DIR] [--operator FILE]
       scripts/deploy-local.sh --context NAME [--registry HOST/PATH [--plain-http]] [--operator FILE]
       scripts/deploy-local.sh --upgrade | --rollback | --down [the same options]

Installs what is missing, builds the images of the operator and of the app, starts a local Kubernetes, installs the operator
in it, deploys the Todo app, waits until it is ready, and prints its address. Run again, it changes nothing; after a change
of the operator's code it replaces the operator, and no pod of the app.

  --upgrade          build the app's images as its code is now, roll them out under a new tag (1.N.0, where N is the
                     number of the newest revision), wait, and show
  --rollback         go back to the revision before; --upgrade goes on from there
  --down             end all of it and remove the cluster's files; what was built stays for the next run

  --nodes real       a node with real pods (the default for root)
  --nodes simulated  pods that only look alive (the default for others): the app has no page
  --dir DIR          where the cluster keeps its files (default: that of cluster/local)
  --operator FILE    pack this program as the operator's image instead of building one

  --context NAME     take this cluster of your own kubeconfig instead; nothing is started. Its administrator's rights and a
                     default StorageClass are needed. Images are loaded by kind, minikube or k3d, whose it is, or:
  --registry NAME    push the images to this registry, and have the nodes pull them from there
  --plain-http       that registry has no TLS
  --help             say this

Exit code: 0 the app is ready (--down: all is gone); 1 not so, with the reason; 2 wrong usage.
END
}

readonly namespace=todo app=todo node_port=30000

verb=up nodes='' dir='' given_operator='' context='' registry='' plain_http=no
node_address='' frontend_image='' backend_image=''

read_arguments() {
  local of_local=() of_context=()
  while [ $# != 0 ]; do
    case $1 in
      --help | -h) usage && exit 0 ;;
      --upgrade | --rollback | --down)
        [ "$verb" = up ] || wrong_usage "one of --upgrade, --rollback and --down at a time"
        verb=${1#--}
        ;;
      --plain-http) plain_http=yes of_context+=("$1") ;;
      --nodes | --dir | --operator | --context | --registry)
        [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
        case $1 in
          --nodes) nodes=$2 of_local+=("$1") ;;
          --dir) dir=$2 of_local+=("$1") ;;
          --operator) given_operator=$(realpath -m -- "$2") ;;
          --context) context=$2 ;;
          --registry) registry=${2%/} of_context+=("$1") ;;
        esac
        shift
        ;;
      *) wrong_usage "unknown argument: $1" ;;
    esac
    shift
  done
  if [ -n "$context" ]; then
    [ ${#of_local[@]} = 0 ] || wrong_usage "${of_local[0]} is for the local cluster, not for --context"
  else
    [ ${#of_context[@]} = 0 ] || wrong_usage "${of_context[0]} is for a cluster of your own: name it with --context"
  fi
  check_values
}

check_values() {
  case $nodes in
    '' | real | simulated) ;;
    *) wrong_usage "--nodes takes real or simulated, not $nodes" ;;
  esac
  [ -z "$given_operator" ] || [ -x "$given_operator" ] || wrong_usage "no program at $given_operator"
}

# With this script's clock in front of each line of progress.
relay() {
  "$@" 2>&1 >/dev/null | while IFS= read -r line; do
    if [[ $line =~ ^\[\ *[0-9.]+s\]\ *(.*)$ ]]; then
      step "  ${BASH_REMATCH[1]}"
    else
      printf '%s\n' "$line" >&2
    fi
  done
}

# What scripts/build-images.sh is told of an image; a packed operator does not take the place of one that was built.
options_of() {
  if [ "$1" = controller ] && [ -n "$given_operator" ]; then
    printf '%s\n' --operator "$given_operator" --output "$repository/build/packed"
  fi
}

archive_of() {
  if [ "$1" = todoapp-operator ] && [ -n "$given_operator" ]; then
    echo "$repository/build/packed/$1.tar"
  else
    echo "$repository/build/images/$1.tar"
  fi
}

# --- the operator in the cluster ------------------------------------------------

apply() { kubectl apply --server-side --field-manager=deploy-local "$@" >/dev/null; }

# `kubectl wait` cannot: it ends with an error while the CRD is too new to have a status.
await_kind() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    ! kubectl get todoappdeployments -A >/dev/null 2>&1 || return 0
    sleep 0.2
  done
  fail "the API server does not serve the new kind: $(kubectl get todoappdeployments -A 2>&1)"
}

install_operator() {
  local image pods=(-n todoapp-system -l app.kubernetes.io/component=controller)
  place_image todoapp-operator "$(place_operator_tag)"
  step "installing the operator"
  sed "s|image: localhost/todoapp-operator:dev|image: $image|" "$repository/manifests/install.yaml" |
    apply --force-conflicts -f -
  await_kind
  kubectl -n todoapp-system rollout status deployment/todoapp-operator --timeout=180s >/dev/null || {
    kubectl get pods "${pods[@]}" >&2
    kubectl logs "${pods[@]}" --tail=20 >&2 || true
    fail "the operator did not become ready; its pods and the last of their log are above"
  }
  step "the operator is ready"
}

# --- all of it ----------------------------------------------------------------

main() {
  read_arguments "$@"
  # shellcheck source=scripts/lib/deploy/app.sh
  . "$repository/scripts/lib/deploy/app.sh"
  if [ -n "$context" ]; then
    # shellcheck source=scripts/lib/deploy/context.sh
    . "$repository/scripts/lib/deploy/context.sh"
  else
    # shellcheck source=scripts/lib/deploy/local.sh
    . "$repository/scripts/lib/deploy/local.sh"
    # shellcheck source=scripts/lib/deploy/process.sh
    . "$repository/scripts/lib/deploy/process.sh"
    dir=$(realpath -m -- "${dir:-$(default_dir)}")
    home=$dir/operator
  fi
  case $verb in
    # One by one: what stands before && may fail unseen.
    up)
      place_start
      place_install
      deploy_app
      ;;
    upgrade)
      place_resume
      upgrade_app
      ;;
    rollback)
      place_resume
      rollback_app
      ;;
    down) place_down ;;
  esac
  [ "$verb" = down ] || show_app
  step "done"
}

main "$@"
