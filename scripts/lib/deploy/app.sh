# shellcheck shell=bash disable=SC2154
# The app of scripts/deploy-local.sh: made, upgraded, rolled back, shown. Sourced by it; where the cluster is, local.sh and
# context.sh know.

readonly ready_seconds=300

tad() { kubectl -n "$namespace" get tad "$app" "$@"; }

deploy_app() {
  apply -f - <<END
apiVersion: v1
kind: Namespace
metadata: {name: $namespace, labels: {pod-security.kubernetes.io/enforce: restricted}}
END
  # An app that is there may have been changed since, by its user: it is not set back.
  if [ -n "$(tad --ignore-not-found -o name)" ]; then
    step "the app is there already"
  else
    deliver 1.0.0
    step "applying the app"
    sed "s|localhost/todo-frontend:1.0.0|$frontend_image|; s|localhost/todo-backend:1.0.0|$backend_image|" \
      "$repository/manifests/local/todo.yaml" | apply -n "$namespace" -f -
  fi
  await_ready
}

# TAG -> $backend_image and $frontend_image
deliver() {
  local image
  place_make backend frontend
  place_image todo-backend "$1"
  backend_image=$image
  place_image todo-frontend "$1"
  frontend_image=$image
}

# --- going on -------------------------------------------------------------------------

upgrade_app() {
  local newest
  _require_app
  # Revisions are never counted twice, so no tag ever stands for two contents.
  newest=$(tad -o 'jsonpath={.status.revisions[0].number}')
  deliver "1.${newest:-0}.0"
  step "upgrading to $backend_image and $frontend_image"
  _patch "{\"spec\": {\"backend\": {\"image\": \"$backend_image\"}, \"frontend\": {\"image\": \"$frontend_image\"},
           \"rollback\": null}}"
  await_ready
}

rollback_app() {
  local number
  _require_app
  number=$(tad -o 'jsonpath={.spec.rollback.toRevision}')
  if [ -n "$number" ]; then
    step "the app is asked to run what revision $number has already; --upgrade goes on from there"
  else
    number=$(tad -o json | _revision_before)
    [ -n "$number" ] || fail "there is no revision to go back to"
    step "going back to what revision $number has"
    # It stays set: taken away, the content that was left would be rolled out again.
    _patch "{\"spec\": {\"rollback\": {\"toRevision\": $number}}}"
  fi
  await_ready
}

# The newest that went well before the one whose content runs now.
_revision_before() {
  python3 -c 'import json, sys
status = json.load(sys.stdin).get("status", {})
revisions = {one["number"]: one for one in status.get("revisions", [])}
now = status.get("activeRevision", 0)
now = revisions.get(now, {}).get("rollbackOf", now)
good = [n for n, one in revisions.items() if n < now and one.get("outcome") == "Succeeded" and one.get("restorable", True)]
print(max(good, default=""))'
}

_require_app() {
  [ -n "$(tad --ignore-not-found -o name 2>/dev/null)" ] || fail "there is no app yet: scripts/deploy-local.sh first"
}

_patch() { kubectl -n "$namespace" patch tad "$app" --field-manager=deploy-local --type=merge -p "$1" >/dev/null; }

# --- waiting and showing ---------------------------------------------------------------

await_ready() {
  local shown='' told=0 begun=${EPOCHREALTIME//[^0-9]/} fields ready reason words took
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
      if [ "$words" != "$shown" ] || ((took >= told + 150)); then
        step "  $words"
        shown=$words told=$took
      fi
      if [ "$ready" = True ]; then
        step "the app is ready after $((took / 10)).$((took % 10)) s"
        return
      fi
      [ "${fields[4]}" != True ] || fail "the app cannot go on by itself: $reason: ${fields[8]:-}"
    fi
    ((took < ready_seconds * 10)) || fail "the app is not ready after $ready_seconds s: ${fields[3]:-no status}: \
${fields[8]:-}
  the operator's log: $(place_log)"
    sleep 0.3
  done
}

show_app() {
  local address
  echo
  kubectl -n "$namespace" get deployments,services,pods,persistentvolumeclaims,controllerrevisions \
    -l "app.kubernetes.io/instance=$app"
  echo
  tad -o wide
  echo
  address=$(place_address)
  [ -z "$address" ] || _ask_page "$address"
  place_hints
}

# Nothing here builds it: who only wants to see the app need not wait for it.
plugin_hint() {
  command -v kubectl-todoapp >/dev/null ||
    echo "$1cmake --preset release && cmake --build --preset release --target kubectl-todoapp
${1//?/ }(kubectl todoapp: shows, explains, steers; some 3 minutes; see docs/deployment/local.md#the-plugin)"
}

# Whether the page is there, and what it is called.
_ask_page() {
  local said title tries=15
  # A user's own cluster may be far away; the local one is not.
  [ -z "$context" ] || tries=3
  # The node's rules follow the Service with a moment's delay.
  if said=$(curl --silent --show-error --fail --noproxy '*' --max-time 5 --retry "$tries" --retry-delay 1 \
    --retry-all-errors "$1/" 2>&1); then
    title=$(grep -o '<title>[^<]*' <<<"$said" | head -n 1) || title=''
    echo "The Todo app is at $1${title:+ (${title#<title>})}"
  elif [ -n "$context" ]; then
    echo "The Todo app is ready; from here its node port ($1) cannot be reached"
  else
    fail "the app is ready, but nobody answers at $1: $said"
  fi
}
