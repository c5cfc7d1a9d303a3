# shellcheck shell=bash disable=SC2154,SC2034
# Where the app goes when no cluster is named: the local one, in $dir. Sourced by scripts/deploy-local.sh, as its counterpart
# context.sh is: both have kubectl and the functions place_*.

# The same as cluster/local takes.
default_dir() { echo "${TODOAPP_CLUSTER_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/todoapp-operator/local}"; }

local_cluster() { "$repository/cluster/local" "$1" --dir "$dir" "${@:2}"; }

kubectl() { KUBECACHEDIR=$dir/tmp/kubectl "$dir/bin/kubectl" --kubeconfig="$dir/kubeconfig" "$@"; }

place_start() {
  local of_app=()
  prepare_packages cluster
  # A running cluster stays what it is; only a new one gets the default of who asks.
  if [ -e "$dir/cluster.json" ]; then
    nodes=${nodes:-$(_mode)}
  elif [ -z "$nodes" ]; then
    nodes=real
    if [ "$(id -u)" != 0 ]; then
      nodes=simulated
      step "not root, so no real pods: they are simulated, and the app has no page"
    fi
  fi
  # What takes minutes comes before the cluster is there, and fails before it.
  if [ "$nodes" = real ]; then
    [ -e "$dir/cluster.json" ] || of_app=(backend frontend)
    place_make controller "${of_app[@]}"
  elif [ -z "$given_operator" ]; then
    prepare_packages build
    build_preset release
  fi
  _start_cluster
}

# For what goes on with an app that is there.
place_resume() {
  [ -e "$dir/cluster.json" ] || fail "no cluster in $dir: scripts/deploy-local.sh first"
  nodes=$(_mode)
  _start_cluster
}

_mode() { python3 -c 'import json, sys; print(json.load(sys.stdin)["mode"])' <"$dir/cluster.json"; }

_start_cluster() {
  step "starting the local cluster ($dir)"
  relay local_cluster up --nodes "$nodes"
  # All was healthy a moment ago; that a server is slow to say so again is no reason to end here.
  node_address=$({ local_cluster status --json || true; } | python3 -c 'import json, sys
print(json.load(sys.stdin)["node_address"] or "")')
}

# --- images -----------------------------------------------------------------------

# Archives of images, by the names that scripts/build-images.sh has for them.
place_make() {
  local each options
  # Simulated pods have no images.
  [ "$nodes" = real ] || return 0
  for each in "$@"; do
    mapfile -t options < <(options_of "$each")
    relay "$repository/scripts/build-images.sh" "$each" "${options[@]}"
  done
}

# NAME TAG -> $image, which the cluster's pods can have.
place_image() {
  image=localhost/$1:$2
  [ -n "$node_address" ] || return 0
  step "pushing $image to the node's registry"
  relay local_cluster push "$(archive_of "$1")" --name "$image"
}

# Of the operator: another one for each content, so that a Deployment of another build is another Deployment.
place_operator_tag() { echo "dev-$(sha256sum <"$(archive_of todoapp-operator)" | cut -c 1-12)"; }

# --- the operator -------------------------------------------------------------------

place_install() {
  if [ -n "$node_address" ]; then
    install_operator
  else
    step "installing the CRD and the operator's rights"
    # All but the operator's own Deployment: a simulated pod does no work.
    apply --force-conflicts -l app.kubernetes.io/component!=controller -f "$repository/manifests/install.yaml"
    await_kind
    ensure_operator_process "${given_operator:-$repository/build/release/todoapp-operator}"
  fi
}

# --- addresses and the end ------------------------------------------------------------

place_address() { [ -z "$node_address" ] || echo "http://$node_address:$node_port"; }

place_hints() {
  local where=''
  [ "$dir" = "$(realpath -m -- "$(default_dir)")" ] || where=" --dir $dir"
  echo "Look around:  cluster/local kubectl$where -- -n $namespace get tad"
  echo "By kubectl:   export KUBECONFIG=\$(cluster/local kubeconfig$where)"
  plugin_hint "The plugin:   "
  echo "Go on:        scripts/deploy-local.sh --upgrade$where   (or --rollback)"
  # Left away, an operator would be built from the sources, and take the place of that one.
  [ -z "$given_operator" ] || echo "Run it again: scripts/deploy-local.sh$where --operator $given_operator"
  echo "End it all:   scripts/deploy-local.sh --down$where"
}

place_log() {
  if [ -n "$node_address" ]; then
    echo "cluster/local kubectl --dir $dir -- -n todoapp-system logs deployment/todoapp-operator"
  else
    echo "$home/log"
  fi
}

place_down() {
  if [ ! -d "$dir" ]; then
    step "nothing runs in $dir"
    return
  fi
  stop_operator_process
  relay local_cluster down
}
