#!/usr/bin/env bash
# From nothing to a running Todo app on this machine: see --help.
#
# A list of steps each of which does nothing where its result is there; so a second run changes nothing, and one that was
# interrupted goes on. The operator runs as a process of this machine, as the service account that manifests/ makes: it
# has the rights that it would have in the cluster, and no others. Its environment carries the cluster's mark, so that
# `cluster/local down` ends it too.
set -euo pipefail
# shellcheck source=scripts/lib/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/prepare.sh"

usage() {
  cat <<'END'
usage: scripts/deploy-local.sh [--nodes real|simulated] [--dir DIR] [--operator FILE]
       scripts/deploy-local.sh --down [--dir DIR]

Installs what is missing, builds the operator, starts a local Kubernetes and the operator, deploys a Todo app, waits
until it is ready, and prints its address. Run again, it changes nothing; after a change of the code it restarts the
operator. The app's images are stand-ins, which only say who they are.

  --nodes real       a node with real pods (the default for root)
  --nodes simulated  pods that only look alive (the default for others)
  --dir DIR          where the cluster and the operator keep their files (default: that of cluster/local)
  --operator FILE    take this operator instead of building one
  --down             end all of it and remove its files
END
}

readonly namespace=todo app=todo node_port=30000
readonly service_account=system:serviceaccount:todoapp-system:todoapp-operator
readonly ready_seconds=300

nodes='' dir='' given_operator='' down=no

read_arguments() {
  while [ $# != 0 ]; do
    case $1 in
      --help | -h) usage && exit 0 ;;
      --down) down=yes ;;
      --nodes | --dir | --operator)
        [ -n "${2:-}" ] || fail "$1 needs a value; see --help"
        case $1 in
          --nodes) nodes=$2 ;;
          --dir) dir=$2 ;;
          --operator) given_operator=$2 ;;
        esac
        shift
        ;;
      *) fail "unknown argument: $1; see --help" ;;
    esac
    shift
  done
  case $nodes in
    '' | real | simulated) ;;
    *) fail "--nodes takes real or simulated, not $nodes" ;;
  esac
  [ -z "$given_operator" ] || [ -x "$given_operator" ] || fail "no program at $given_operator"
  dir=$(realpath -m -- "${dir:-$(default_dir)}")
  home=$dir/operator
}

# The same as cluster/local takes.
default_dir() { echo "${TODOAPP_CLUSTER_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/todoapp-operator/local}"; }

# --- the cluster --------------------------------------------------------------

local_cluster() { "$repository/cluster/local" "$1" --dir "$dir" "${@:2}"; }

# With this script's clock in front of each line of progress.
relay() {
  "$@" 2>&1 >/dev/null | while IFS= read -r line; do
    if [[ $line =~ ^\[\ *[0-9.]+s\]\ (.*)$ ]]; then
      # One line for each of fourteen images says nothing.
      [[ ${BASH_REMATCH[1]} == "loaded "* ]] || step "  ${BASH_REMATCH[1]}"
    else
      printf '%s\n' "$line" >&2
    fi
  done
}

kubectl() { KUBECACHEDIR=$dir/tmp/kubectl "$dir/bin/kubectl" --kubeconfig="$dir/kubeconfig" "$@"; }

start_cluster() {
  # A running cluster stays what it is; only a new one gets the default of who asks.
  if [ -z "$nodes" ] && [ ! -e "$dir/cluster.json" ]; then
    nodes=real
    if [ "$(id -u)" != 0 ]; then
      nodes=simulated
      step "not root, so no real pods: they are simulated, and the app has no page"
    fi
  fi
  step "starting the local cluster ($dir)"
  relay local_cluster up ${nodes:+--nodes "$nodes"}
  node_address=$(local_cluster status --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["node_address"] or "")')
  if [ -n "$node_address" ]; then
    step "loading the stand-in images"
    relay local_cluster stand-in
  fi
}

install_manifests() {
  step "installing the CRD and the operator's rights"
  apply --force-conflicts -f "$repository/crds"
  await_kind
  # All but the operator's own Deployment: here the operator is a process of this machine.
  apply --force-conflicts -l app.kubernetes.io/component!=controller -k "$repository/manifests/overlays/cluster-wide"
}

# `kubectl wait` cannot: it ends with an error while the CRD is too new to have a status.
await_kind() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    ! kubectl get todoappdeployments -A >/dev/null 2>&1 || return 0
    sleep 0.2
  done
  fail "the API server does not serve the new kind: $(kubectl get todoappdeployments -A 2>&1)"
}

apply() { kubectl apply --server-side --field-manager=deploy-local "$@" >/dev/null; }

# --- the operator -------------------------------------------------------------

# The pid, where the process that the record names still runs: a pid alone may be another's by now.
operator_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$home/pid" || return 1
  [ "$(start_time "$pid")" = "$started" ] || return 1
  echo "$pid"
}

# A process is who it is by its pid and this; empty where there is none, or only its remains.
start_time() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  # The name, in parentheses, may hold anything; the state is the 3rd field of all, the start time the 22nd.
  read -ra fields <<<"${stat##*) }"
  [ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

ensure_operator() {
  local binary=$1 user=$dir/users/${service_account//:/_}.kubeconfig
  mkdir -p "$home"
  [ -e "$user" ] || relay local_cluster user "$service_account"
  if operator_pid >/dev/null && cmp -s "$binary" "$home/todoapp-operator"; then
    step "the operator runs already"
    return
  fi
  stop_operator
  # A copy: the next build must not change the file of a running program.
  cp "$binary" "$home/todoapp-operator.new"
  mv "$home/todoapp-operator.new" "$home/todoapp-operator"
  start_operator "$user"
}

start_operator() {
  local metrics health
  step "starting the operator"
  if [ ! -e "$home/ports" ]; then
    free_ports >"$home/ports.new"
    mv "$home/ports.new" "$home/ports"
  fi
  read -r metrics health <"$home/ports"
  # The process writes its own record before it becomes the operator: none is ever without one.
  # shellcheck disable=SC2016 # expanded by the inner shell
  setsid env -i PATH="$PATH" HOME="$home" TODOAPP_LOCAL_CLUSTER="$dir" bash -c '
    cd "$HOME" || exit 1
    stat=$(<"/proc/$$/stat") && read -ra fields <<<"${stat##*) }" &&
      echo "$$ ${fields[19]}" >pid.new && mv pid.new pid && exec "$@"' operator \
    "$home/todoapp-operator" --kubeconfig="$1" --leader-elect --leader-election-namespace=todoapp-system \
    --metrics-bind-address="127.0.0.1:$metrics" --health-probe-bind-address="127.0.0.1:$health" \
    </dev/null >>"$home/log" 2>&1 &
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    sleep 0.1
    if curl --silent --fail --noproxy '*' --max-time 2 --output /dev/null "http://127.0.0.1:$health/readyz"; then
      step "the operator is ready (metrics: http://127.0.0.1:$metrics/metrics, log: $home/log)"
      return
    fi
    # It may take a moment until the record is written; after that, no process means that it has ended.
    ((tries < 20)) || operator_pid >/dev/null || break
  done
  tail -n 20 "$home/log" >&2
  fail "the operator did not become ready; the last of its log is above"
}

# Two that were free a moment ago; kept, so that a restart serves on the same ones.
free_ports() {
  python3 -c 'import socket
held = [socket.socket() for _ in range(2)]
for one in held: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))'
}

stop_operator() {
  local pid tries
  pid=$(operator_pid) || return 0
  step "stopping the operator"
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    operator_pid >/dev/null || break
    sleep 0.1
  done
  ! operator_pid >/dev/null || kill -KILL "$pid" 2>/dev/null || true
  rm -f "$home/pid"
}

# --- the app ------------------------------------------------------------------

sample() {
  cat <<END
apiVersion: apps.todoapp.dev/v1alpha1
kind: TodoAppDeployment
metadata: {name: $app, namespace: $namespace}
spec:
  frontend:
    image: localhost/todo-frontend:1.0.0
    replicas: 2
    service: {type: NodePort, port: 80, nodePort: $node_port}
  backend:
    image: localhost/todo-backend:1.0.0
    replicas: 2
  config: {LOG_LEVEL: info}
  secrets:
    - name: SESSION_KEY
      generate: {bytes: 32}
      tiers: [frontend, backend]
END
}

deploy_app() {
  apply -f - <<END
apiVersion: v1
kind: Namespace
metadata: {name: $namespace, labels: {pod-security.kubernetes.io/enforce: restricted}}
END
  # An app that is there may have been changed since, by its user: it is not set back.
  if [ -n "$(kubectl -n "$namespace" get tad "$app" --ignore-not-found -o name)" ]; then
    step "the app is there already"
  else
    step "applying the app"
    sample | apply -f -
  fi
  await_ready
}

await_ready() {
  local shown='' begun=${EPOCHREALTIME//[^0-9]/} fields ready reason words took
  local path='{.metadata.generation}{"\n"}{.status.observedGeneration}{"\n"}'
  path+='{.status.conditions[?(@.type=="Ready")].status}{"\n"}{.status.conditions[?(@.type=="Ready")].reason}{"\n"}'
  path+='{.status.conditions[?(@.type=="Stalled")].status}{"\n"}{.status.step}{"\n"}'
  path+='{.status.backend.ready}{"\n"}{.status.frontend.ready}{"\n"}{.status.conditions[?(@.type=="Ready")].message}'
  while :; do
    mapfile -t fields < <(kubectl -n "$namespace" get tad "$app" -o "jsonpath=$path")
    took=$(((${EPOCHREALTIME//[^0-9]/} - begun) / 100000))
    # What is said of an older spec says nothing of this one.
    if [ "${fields[0]:-0}" = "${fields[1]:-}" ]; then
      ready=${fields[2]} reason=${fields[3]}
      words="$reason${fields[5]:+, ${fields[5]}} (backend ${fields[6]:-0}, frontend ${fields[7]:-0})"
      [ "$words" = "$shown" ] || step "  $words"
      shown=$words
      if [ "$ready" = True ]; then
        step "the app is ready after $((took / 10)).$((took % 10)) s"
        return
      fi
      [ "${fields[4]}" != True ] || fail "the app cannot go on by itself: $reason: ${fields[8]:-}"
    fi
    ((took < ready_seconds * 10)) || fail "the app is not ready after $ready_seconds s: ${fields[3]:-no status}: \
${fields[8]:-}
  the operator's log: $home/log"
    sleep 0.3
  done
}

show_app() {
  local options=''
  echo
  kubectl -n "$namespace" get \
    deployments,services,pods,configmaps,secrets,controllerrevisions -l "app.kubernetes.io/instance=$app"
  echo
  kubectl -n "$namespace" get tad "$app" -o wide
  echo
  [ -z "$node_address" ] || ask_page
  [ "$dir" = "$(realpath -m -- "$(default_dir)")" ] || options=" --dir $dir"
  echo "Look around:  cluster/local kubectl$options -- -n $namespace get tad"
  echo "End it all:   scripts/deploy-local.sh --down$options"
}

# Where the app is to be found, and what it says.
ask_page() {
  local address=http://$node_address:$node_port said
  # The node's rules follow the Service with a moment's delay.
  said=$(curl --silent --show-error --fail --noproxy '*' --max-time 5 --retry 15 --retry-delay 1 --retry-all-errors \
    "$address/") || fail "the app is ready, but nobody answers at $address"
  echo "The Todo app is at $address; it says:"
  printf '%s\n\n' "$said" | head -n 5
}

# --- all of it ----------------------------------------------------------------

up() {
  local binary=$repository/build/release/todoapp-operator
  if [ -n "$given_operator" ]; then
    prepare_packages cluster
    binary=$given_operator
  else
    prepare_packages build cluster
    build_preset release
  fi
  start_cluster
  install_manifests
  ensure_operator "$binary"
  deploy_app
  show_app
  step "done"
}

take_down() {
  if [ ! -d "$dir" ]; then
    step "nothing runs in $dir"
    return
  fi
  stop_operator
  relay local_cluster down
}

read_arguments "$@"
if [ "$down" = yes ]; then take_down; else up; fi
