# shellcheck shell=bash disable=SC2154,SC2034
# Where the app goes with --context: a cluster of the user's own. Sourced by scripts/deploy-local.sh in place of local.sh.
#
# Images get there through a registry that both sides reach (--registry), or by the loader of kind, minikube or k3d.

kubectl() { command kubectl --context="$context" "$@"; }

place_start() {
  prepare_packages cluster
  prepare_kubectl
  local said
  command kubectl config get-contexts "$context" >/dev/null 2>&1 || {
    said=$(command kubectl config get-contexts -o name 2>/dev/null | paste -sd ' ' -)
    [ -n "$said" ] || fail "no context $context: your kubeconfig has none (it is ~/.kube/config, or what KUBECONFIG names)"
    fail "no context $context; there are: $said"
  }
  said=$(kubectl --request-timeout=10s get --raw /readyz 2>&1) ||
    fail "the cluster of the context $context does not answer: $said"
  [ "$(kubectl auth can-i create customresourcedefinitions 2>/dev/null)" = yes ] ||
    fail "the user of the context $context may not install a CRD: an administrator's rights are needed"
  kubectl get storageclasses -o json | grep -q 'is-default-class": "true"' ||
    fail "the cluster of the context $context has no default StorageClass, and the app's todos need a volume. \
For an app without one see manifests/samples/todo.yaml"
  loader=$(_loader) || fail "no way for images into the cluster of the context $context: name a registry that its nodes \
reach, and that you may push to, with --registry HOST/PATH (kind, minikube and k3d need none)"
  step "the cluster of the context $context answers; images go there by $loader"
}

# The context's name tells: these tools choose it themselves.
_loader() {
  if [ -n "$registry" ]; then
    echo "the registry $registry"
  elif [[ $context == kind-* ]] && command -v kind >/dev/null; then
    echo kind
  elif [[ $context == k3d-* ]] && command -v k3d >/dev/null; then
    echo k3d
  elif command -v minikube >/dev/null && minikube --profile "$context" status >/dev/null 2>&1; then
    echo minikube
  else
    return 1
  fi
}

place_resume() { place_start; }

# Images are made when they are placed: their tag is part of them.
place_make() { :; }

place_log() { echo "kubectl --context $context -n todoapp-system logs deployment/todoapp-operator"; }

# NAME TAG -> $image
place_image() {
  local name=$1 tag=$2 archive options
  archive=$(archive_of "$name")
  mapfile -t options < <(options_of "${short_name[$name]}")
  options+=(--tag "$tag")
  [ -z "$registry" ] || options+=(--push "$registry")
  [ "$plain_http" = no ] || options+=(--plain-http)
  relay "$repository/scripts/build-images.sh" "${short_name[$name]}" "${options[@]}"
  image=${registry:-localhost}/$name:$tag
  case $loader in
    kind) kind load image-archive "$archive" --name "${context#kind-}" >&2 ;;
    k3d) k3d image import "$archive" --cluster "${context#k3d-}" >&2 ;;
    minikube) minikube --profile "$context" image load "$archive" >&2 ;;
  esac || fail "$loader could not load $archive"
}

declare -rA short_name=([todoapp-operator]=controller [todo-backend]=backend [todo-frontend]=frontend)

place_operator_tag() {
  local options
  mapfile -t options < <(options_of controller)
  echo "dev-$("$repository/scripts/build-images.sh" controller --key "${options[@]}" | cut -d ' ' -f 2)"
}

place_install() { install_operator; }

place_address() {
  local path='{.items[0].status.addresses[?(@.type=="InternalIP")].address}' address
  address=$(kubectl get nodes -o "jsonpath=$path")
  echo "http://${address%% *}:$node_port"
}

place_hints() {
  local where=" --context $context${registry:+ --registry $registry}"
  [ "$plain_http" = no ] || where+=' --plain-http'
  echo "From elsewhere: kubectl --context $context -n $namespace port-forward service/$app-frontend $node_port:80"
  echo "Look around:    kubectl --context $context -n $namespace get tad"
  plugin_hint "The plugin:     "
  echo "Go on:          scripts/deploy-local.sh --upgrade$where   (or --rollback)"
  [ -z "$given_operator" ] || echo "Run it again:   scripts/deploy-local.sh$where --operator $given_operator"
  echo "End it all:     scripts/deploy-local.sh --down --context $context"
}

# What this script made, and nothing that somebody else may be using.
place_down() {
  prepare_kubectl
  local others
  step "deleting the app, its data and the namespace $namespace"
  kubectl delete namespace "$namespace" --ignore-not-found --timeout=120s >/dev/null
  others=$(kubectl get todoappdeployments -A -o name --ignore-not-found 2>/dev/null | wc -l)
  if [ "$others" != 0 ]; then
    step "the operator stays: there are $others other apps in this cluster"
    return
  fi
  step "deleting the operator, its rights and the CRD"
  kubectl delete --ignore-not-found --timeout=120s -f "$repository/manifests/install.yaml" >/dev/null
}
