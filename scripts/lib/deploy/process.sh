# shellcheck shell=bash disable=SC2154
# The operator as a process of this machine, for a cluster whose pods are only simulated. Sourced by scripts/deploy-local.sh.
#
#   ensure_operator_process BINARY  starts it, or replaces another build of it
#   stop_operator_process           ends it
#
# It runs as the service account that manifests/ makes, so it has the rights that it would have in the cluster, and no others.
# Its environment carries the cluster's mark, so that `cluster/local down` ends it too.

readonly service_account=system:serviceaccount:todoapp-system:todoapp-operator

# The pid, where the process that the record names still runs: a pid alone may be another's by now.
_operator_pid() {
  local pid started
  read -r pid started 2>/dev/null <"$home/pid" || return 1
  [ "$(_start_time "$pid")" = "$started" ] || return 1
  echo "$pid"
}

# A process is who it is by its pid and this; empty where there is none, or only its remains.
_start_time() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  # The name, in parentheses, may hold anything; the state is the 3rd field of all, the start time the 22nd.
  read -ra fields <<<"${stat##*) }"
  [ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

ensure_operator_process() {
  local binary=$1 user=$dir/users/${service_account//:/_}.kubeconfig
  mkdir -p "$home"
  [ -e "$user" ] || relay local_cluster user "$service_account"
  if _operator_pid >/dev/null && cmp -s "$binary" "$home/todoapp-operator"; then
    step "the operator runs already"
    return
  fi
  stop_operator_process
  # A copy: the next build must not change the file of a running program.
  cp "$binary" "$home/todoapp-operator.new"
  mv "$home/todoapp-operator.new" "$home/todoapp-operator"
  _start_operator "$user"
}

_start_operator() {
  local metrics health
  step "starting the operator"
  if [ ! -e "$home/ports" ]; then
    _free_ports >"$home/ports.new"
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
    ((tries < 20)) || _operator_pid >/dev/null || break
  done
  tail -n 20 "$home/log" >&2
  fail "the operator did not become ready; the last of its log is above"
}

# Two that are free; kept, so that a restart serves on the same ones. Below those that the kernel gives to clients: no
# connection takes one while the operator is down.
_free_ports() {
  python3 -c 'import random, socket
def free(port):
    try:
        with socket.socket() as probe: probe.bind(("127.0.0.1", port))
        return True
    except OSError:
        return False
print(*[port for port in random.sample(range(12000, 20000), 100) if free(port)][:2])'
}

stop_operator_process() {
  local pid tries
  pid=$(_operator_pid) || return 0
  step "stopping the operator"
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    _operator_pid >/dev/null || break
    sleep 0.1
  done
  ! _operator_pid >/dev/null || kill -KILL "$pid" 2>/dev/null || true
  rm -f "$home/pid"
}

