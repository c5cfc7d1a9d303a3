#!/usr/bin/env bash
# Says what this machine has of what is needed, and what to do about the rest: see --help. Installs and changes nothing.
set -euo pipefail
# shellcheck source=scripts/lib/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/prepare.sh"

usage() {
  cat <<'END'
usage: scripts/verify-environment.sh [local] [own-cluster] [development] [--context NAME]

Looks at each tool that is needed for what you want, and says whether it is there, its version, the version that is needed,
and what to do. Nothing is installed or changed.

  local          (default) a cluster and the Todo app on this machine: scripts/deploy-local.sh
  own-cluster    the operator and the app in a cluster that you have: kubectl, the cluster itself, your rights in it
  development    to build and to test: scripts/test.sh

  --context NAME the context of your kubeconfig for own-cluster (default: the current one)
  --help         say this

Exit code: 0 all that is needed is there, or the scripts install it by themselves; 1 something is for you to do; 2 wrong usage.
END
}

# As the modules of the local cluster say.
go_needed=$(sed -n 's/^go //p' "$repository/cluster/modules/kubernetes/go.mod")
wanted=() context='' problems=0 installable=0

read_arguments() {
  while [ $# != 0 ]; do
    case $1 in
      --help | -h) usage && exit 0 ;;
      local | own-cluster | development) wanted+=("$1") ;;
      --context)
        [ -n "${2:-}" ] || wrong_usage "--context needs a value"
        context=$2
        shift
        ;;
      *) wrong_usage "unknown argument: $1" ;;
    esac
    shift
  done
  [ ${#wanted[@]} != 0 ] || wanted=(local)
  if [ -n "$context" ] && [[ " ${wanted[*]} " != *" own-cluster "* ]]; then wrong_usage "--context is for own-cluster"; fi
}

# --- the table --------------------------------------------------------------------

header() {
  printf '\n%s\n' "$1"
  row STATE WHAT FOUND NEEDED 'WHAT TO DO'
}

row() { printf '%-9s %-24s %-16s %-12s %s\n' "$1" "$2" "${3:--}" "${4:--}" "${5:-}" | sed 's/ *$//'; }

# WHAT FOUND NEEDED TODO: `missing` where nothing was found, `old` where it is below what is needed. Somebody must do it.
need() {
  local state
  state=$(judge "$2" "$3")
  if [ "$state" = ok ]; then
    row ok "$1" "$2" "$3"
  else
    problems=$((problems + 1))
    row "$state" "$1" "$2" "$3" "$4"
  fi
}

# The same for what the scripts install by themselves, where they can.
get() {
  local state
  state=$(judge "$2" "$3")
  if [ "$state" = ok ]; then
    row ok "$1" "$2" "$3"
  elif [ "$may_install" = yes ]; then
    installable=$((installable + 1))
    row "$state" "$1" "$2" "$3" "nothing: $4"
  else
    problems=$((problems + 1))
    row "$state" "$1" "$2" "$3" "as root: $5"
  fi
}

# One of which nothing depends.
like() {
  local state
  state=$(judge "$2" "$3")
  if [ "$state" = ok ]; then row ok "$1" "$2" "$3"; else row "optional" "$1" "$2" "$3" "$4"; fi
}

judge() {
  if [ -z "$1" ]; then
    echo missing
  elif [ -n "$2" ] && ! printf '%s\n%s\n' "$2" "$1" | sort -V -C; then
    echo old
  else
    echo ok
  fi
}

# The first number with dots in what a program says of itself; empty where there is no such program.
version_of() {
  local said
  command -v "$1" >/dev/null || return 0
  said=$("$@" 2>&1 </dev/null | head -n 5) || true
  # One that says no version is there all the same.
  grep -oE '[0-9]+(\.[0-9]+)+' <<<"$said" | head -n 1 || echo there
}

# --- what each wants ----------------------------------------------------------------

# Whether the scripts can install packages here by themselves.
find_rights() {
  may_install=no who="user $(id -un)"
  [ "$(id -u)" != 0 ] || who=root
  if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }; then may_install=yes; fi
}

system_name() { (. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}") || uname -s; }

check_machine() {
  header "This machine"
  row - system "$(system_name)" '' 'packages have the names of Debian 12, Debian 13, Ubuntu 24.04'
  row - user "$who"
  need bash "${BASH_VERSION%%(*}" 4.4 'install a newer bash'
  need git "$(version_of git --version)" '' 'apt-get install git'
  need memory "$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) / 1024)) MB" '3500 MB' 'a machine with 4 GB: compilers need it'
  need 'disk space here' "$(df -Pm "$repository" | awk 'NR == 2 { print $4 }') MB" "$1 MB" 'make room'
}

# WHAT PACKAGE...: of the lists of scripts/lib/prepare.sh.
check_packages() {
  local missing what=$1
  shift
  mapfile -t missing < <(_missing_packages "$@")
  get "$what" "$(($# - ${#missing[@]})) of $#" "$# of $#" "the scripts install ${missing[*]}" \
    "apt-get install --no-install-recommends ${missing[*]}"
}

# The first of docker, podman and buildah.
image_builder() {
  local name
  for name in docker podman buildah; do
    if command -v "$name" >/dev/null; then
      echo "$name $(version_of "$name" --version)"
      return
    fi
  done
}

check_local() {
  check_machine 8000
  header "For scripts/deploy-local.sh"
  check_packages 'packages to build' "${packages_of_cluster[@]}" "${packages_of_build[@]}" "${packages_of_backend[@]}"
  get 'python3 of PATH' "$(version_of python3 --version)" 3.9 'installed by the scripts' 'apt-get install python3'
  if [ "$(id -u)" = 0 ]; then
    check_packages 'packages of real pods' "${packages_of_real_node[@]}"
    get 'image builder' "$(image_builder)" '' 'buildah is installed' 'apt-get install buildah'
    need 'network namespaces' "$(unshare --net true 2>/dev/null && echo there)" '' \
      'a machine, or a container with privileges, that may make them; or: deploy-local.sh --nodes simulated'
  else
    row - 'real pods' no root 'run it as root for a page; without, pods are simulated'
  fi
  like go "$(version_of go version)" "$go_needed" 'nothing: it is fetched for the build where it is missing'
}

check_own_cluster() {
  local flags=() server='' may='' class='' which
  [ -z "$context" ] || flags=(--context "$context")
  header "For a cluster of your own"
  need kubectl "$(version_of kubectl version --client)" 1.31 'cluster/build --nodes none builds one; or see kubernetes.io/docs/tasks/tools'
  like helm "$(version_of helm version)" 4.0 'only for the charts: cluster/build --tools builds one'
  like kubectl-todoapp "$(version_of kubectl-todoapp --version)" '' 'see docs/kubectl-todoapp.md, "On your PATH"'
  command -v kubectl >/dev/null || return 0
  which=${context:-$(kubectl config current-context 2>/dev/null)} || which=''
  need context "$which" '' "$(how_to_name_a_context)"
  [ -n "$which" ] || return 0
  server=$(kubectl "${flags[@]}" --request-timeout=10s get --raw /version 2>/dev/null | grep -oE '"gitVersion": *"v[0-9.]+' |
    grep -oE '[0-9.]+$') || true
  need "cluster $which" "$server" 1.30 'it does not answer, or is too old: kubectl version'
  [ -n "$server" ] || return 0
  may=$(kubectl "${flags[@]}" auth can-i create customresourcedefinitions 2>/dev/null) || true
  need 'right to install a CRD' "${may#no}" '' 'ask its administrator to install the operator'
  class=$(kubectl "${flags[@]}" get storageclasses -o json 2>/dev/null | grep -c 'is-default-class": "true"') || true
  like 'default StorageClass' "${class#0}" '' 'needed where todos are in SQLite on a volume; none with PostgreSQL'
}

how_to_name_a_context() {
  if [ -n "$(kubectl config get-contexts -o name 2>/dev/null)" ]; then
    echo 'kubectl config use-context NAME, or --context NAME'
  else
    # shellcheck disable=SC2016 # for the user to type
    echo 'there is none to name; that of the local cluster: export KUBECONFIG=$(cluster/local kubeconfig)'
  fi
}

check_development() {
  check_machine 15000
  header "To build and to test"
  get g++ "$(version_of g++ -dumpfullversion)" 12 'installed by the scripts' 'apt-get install g++'
  get cmake "$(version_of cmake --version)" 3.25 'installed by the scripts' 'apt-get install cmake'
  get ninja "$(version_of ninja --version)" '' 'installed by the scripts' 'apt-get install ninja-build'
  get clang-19 "$(version_of clang-19 --version)" 19 'installed by the scripts' 'apt-get install clang-19 clang-tidy-19 clang-format-19'
  get shellcheck "$(version_of shellcheck --version)" '' 'installed by the scripts' 'apt-get install shellcheck'
  get 'python3 of the tests' "$(version_of "$(_python || echo python3)" --version)" 3.11 'installed by the scripts' 'apt-get install python3 python3-venv'
  get chromium "$(version_of chromium --version)" '' 'installed by the scripts' 'apt-get install chromium'
  like node "$(version_of node --version)" 20.9 'nothing: it is fetched for the build where it is missing'
  like go "$(version_of go version)" "$go_needed" 'nothing: it is fetched for the build where it is missing'
  check_packages 'packages of the tests' "${packages_of_build[@]}" "${packages_of_backend[@]}" "${packages_of_test[@]}" \
    "${packages_of_browser[@]}" "${packages_of_cluster[@]}"
}

main() {
  local mode
  read_arguments "$@"
  _add_tools_to_path
  find_rights
  for mode in "${wanted[@]}"; do "check_${mode//-/_}"; done
  echo
  if [ "$problems" != 0 ]; then
    echo "Not ready: $problems for you to do, above."
    return 1
  elif [ "$installable" != 0 ]; then
    echo "Ready: the scripts install $installable of these by themselves."
  else
    echo "Ready."
  fi
}

main "$@"
