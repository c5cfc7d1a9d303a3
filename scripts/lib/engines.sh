# shellcheck shell=bash
# Image builders under one name: docker, podman, buildah. Sourced, never run, after progress.sh.
#
#   find_engine [NAME]                the first that works (or that one); its name is $engine
#   engine_build IMAGE FILE FOLDER [NAME=VALUE...]   builds; the values are build arguments
#   engine_has IMAGE                  whether the builder has this image
#   engine_pull IMAGE                 fetches it, within a minute
#   engine_save IMAGE ARCHIVE         writes it as an archive in Docker's format
#   engine_tag IMAGE NAME             gives it another name too
#   engine_load ARCHIVE               the other way round
#   engine_push IMAGE TARGET          pushes it under another name; PLAIN_HTTP=yes for a registry without TLS
#
# buildah as root keeps what it makes in $image_cache and nothing else of this machine's: no image of anybody else's is
# seen, no mount and no process is left behind.

image_cache=${XDG_CACHE_HOME:-$HOME/.cache}/todoapp-operator/images
engine=''
_buildah=(buildah)

# Exit code 1 where none works; $engine_said says why.
find_engine() {
  local name names=("${1:-}")
  engine_said=''
  [ -n "${1:-}" ] || names=(docker podman buildah)
  for name in "${names[@]}"; do
    if ! command -v "$name" >/dev/null; then
      engine_said+="
  $name: not here"
    elif _works "$name"; then
      engine=$name
      return
    else
      engine_said+="
  $name: $(head -n 1 "$image_cache/said" | cut -c 1-150)"
    fi
  done
  return 1
}

_works() {
  mkdir -p "$image_cache"
  [ "$1" != buildah ] || _prepare_buildah
  case $1 in
    docker) timeout 20 docker version ;;
    podman) timeout 20 podman info ;;
    buildah) timeout 20 "${_buildah[@]}" info ;;
  esac >/dev/null 2>"$image_cache/said"
}

# --- buildah ------------------------------------------------------------------

_prepare_buildah() {
  # Without a container runtime: a chroot is enough to build in, and works inside a container.
  export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}
  [ "$(id -u)" = 0 ] || return 0
  local driver=overlay
  # An overlay cannot lie on an overlay, as a container's own disk is one.
  [ "$(stat --file-system --format=%T "$image_cache")" != overlayfs ] || driver=vfs
  _buildah=(unshare --mount buildah --root "$image_cache/storage" --runroot "$image_cache/run"
    --storage-driver "${STORAGE_DRIVER:-$driver}")
}

# Before a build: what a killed one left, and what many have piled up.
engine_tidy() {
  if [ "$engine" != buildah ] || [ "$(id -u)" != 0 ] || [ ! -d "$image_cache/storage" ]; then return; fi
  local most=$((12 << 20))
  if [ "$(du --summarize --block-size=1K "$image_cache/storage" | cut -f 1)" -gt "$most" ]; then
    step "the builder's store has grown over 12 GB: begun anew"
    rm -rf "$image_cache/storage" "$image_cache/run"
  else
    # Which mounts there are is of a life before this one: they ended with their namespace.
    rm -rf "$image_cache/run"
    "${_buildah[@]}" rm --all >/dev/null 2>&1 || true
  fi
}

# --- the same words for all ----------------------------------------------------

engine_build() {
  local image=$1 file=$2 folder=$3 arguments=() each
  for each in "${@:4}"; do arguments+=(--build-arg "$each"); done
  case $engine in
    docker | podman) "$engine" build --tag "$image" --file "$file" "${arguments[@]}" "$folder" ;;
    buildah) "${_buildah[@]}" bud --layers --tag "$image" --file "$file" "${arguments[@]}" "$folder" ;;
  esac
}

engine_has() {
  case $engine in
    docker) docker image inspect "$1" ;;
    podman) podman image exists "$1" ;;
    buildah) "${_buildah[@]}" inspect --type image "$1" ;;
  esac >/dev/null 2>&1
}

engine_pull() {
  case $engine in
    docker | podman) timeout 60 "$engine" pull --quiet "$1" ;;
    buildah) timeout 60 "${_buildah[@]}" pull --quiet "$1" ;;
  esac >/dev/null 2>&1
}

engine_tag() {
  case $engine in
    docker | podman) "$engine" tag "$1" "$2" ;;
    buildah) "${_buildah[@]}" tag "$1" "$2" ;;
  esac
}

engine_save() {
  case $engine in
    docker) docker save --output "$2" "$1" ;;
    podman) podman save --quiet --format docker-archive --output "$2" "$1" ;;
    buildah) "${_buildah[@]}" push --quiet "$1" "docker-archive:$2:$1" ;;
  esac
}

engine_load() {
  case $engine in
    docker | podman) "$engine" load --quiet --input "$1" ;;
    buildah) "${_buildah[@]}" pull --quiet "docker-archive:$1" ;;
  esac >/dev/null
}

engine_push() {
  local plain=()
  [ "${PLAIN_HTTP:-no}" != yes ] || plain=(--tls-verify=false)
  case $engine in
    # Whether a registry may go without TLS is settled in the daemon's own configuration.
    docker) docker tag "$1" "$2" && docker push --quiet "$2" ;;
    podman) podman push --quiet "${plain[@]}" "$1" "$2" ;;
    buildah) "${_buildah[@]}" push --quiet "${plain[@]}" "$1" "docker://$2" ;;
  esac
}
