#!/usr/bin/env bash
# Builds the container images: see --help.
#
# What an image is made from is hashed; as long as the hash is that of its archive, nothing is built. So a second run takes a
# second, needs no image builder, and finds the archives that another clone of the same content has made.
set -euo pipefail
# shellcheck source=scripts/lib/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/prepare.sh"
# shellcheck source=scripts/lib/engines.sh
. "$repository/scripts/lib/engines.sh"
# shellcheck source=scripts/lib/base-images.sh
. "$repository/scripts/lib/base-images.sh"

usage() {
  cat <<'END'
usage: scripts/build-images.sh [controller] [backend] [frontend] [options]

Builds the images of the operator and of the Todo app (without a name: all three) with docker, podman or buildah,
whichever works here; writes each as an archive, checks its size, and prints name, size, limit and archive.

  --output DIR             where the archives go (default: build/images)
  --tag TAG                for all of them (default: dev for the operator, 1.0.0 for the app)
  --operator FILE          pack this program as the operator's image, with the libraries that it has here, and build nothing
  --base-images default    base images as the Dockerfiles name them, from an image registry
  --base-images local      stand-ins for them, made of the distribution's packages (root only; the images hold nothing of
                           them but libraries). Without this option: default where a registry answers, else local
  --engine NAME            docker, podman or buildah
  --push REGISTRY          push them too, as REGISTRY/todo-backend:TAG and so on
  --plain-http             the registry has no TLS (docker: see its insecure-registries)
  --key                    build nothing; print name and hash of content of each
  --help                   say this

Exit code: 0 all images are there; 1 not so, with the reason; 2 wrong usage.
END
}

# image -> name, default tag, limit in MB, folder of its build, what it is made from
describe() {
  case $1 in
    controller)
      name=todoapp-operator tag=${given_tag:-dev} limit=60 context=. base=debian
      sources=(.dockerignore CMakeLists.txt CMakePresets.json cmake controller docker/controller)
      ;;
    backend)
      name=todo-backend tag=${given_tag:-1.0.0} limit=500 context=docker/backend base=debian
      sources=(docker/backend/{.dockerignore,CMakeLists.txt,Dockerfile,src})
      ;;
    frontend)
      name=todo-frontend tag=${given_tag:-1.0.0} limit=500 context=docker/frontend base=node
      sources=(docker/frontend)
      ;;
  esac
  image=localhost/$name:$tag archive=$output/$name.tar
}

images=() output='' given_tag='' bases=auto given_engine='' registry='' only_keys=no program=''

read_arguments() {
  while [ $# != 0 ]; do
    case $1 in
      --help | -h) usage && exit 0 ;;
      controller | backend | frontend) images+=("$1") ;;
      --plain-http) export PLAIN_HTTP=yes ;;
      --key) only_keys=yes ;;
      --output | --tag | --operator | --base-images | --engine | --push)
        [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
        case $1 in
          --output) output=$2 ;;
          --tag) given_tag=$2 ;;
          --operator) program=$(realpath -m -- "$2") ;;
          --base-images) bases=$2 ;;
          --engine) given_engine=$2 ;;
          --push) registry=${2%/} ;;
        esac
        shift
        ;;
      *) wrong_usage "unknown argument: $1" ;;
    esac
    shift
  done
  case $bases in
    auto | default | local) ;;
    *) wrong_usage "--base-images takes default or local, not $bases" ;;
  esac
  case $given_engine in
    '' | docker | podman | buildah) ;;
    *) wrong_usage "--engine takes docker, podman or buildah, not $given_engine" ;;
  esac
  [[ -z $given_tag || $given_tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || wrong_usage "no tag for an image: $given_tag"
  [ ${#images[@]} != 0 ] || images=(controller backend frontend)
  [ -z "$program" ] || [ -x "$program" ] || wrong_usage "no program at $program"
  output=$(realpath -m -- "${output:-$repository/build/images}")
}

# --- what an image is made from ---------------------------------------------------

# Names and contents of the files, whether committed or not; what git ignores is not sent to a build either.
content_key() {
  (
    cd "$repository"
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
      git ls-files --cached --others --exclude-standard -z -- "$@"
    else
      find "$@" -type f -print0
    fi | sort -zu | while IFS= read -r -d '' file; do
      case $file in
        # Not sent to a build: see the .dockerignore there.
        docker/frontend/tests/* | */README.md) ;;
        # One that is deleted but not yet committed is still in git's list.
        *) if [ -f "$file" ]; then printf '%s\0' "$file"; fi ;;
      esac
    done | xargs -0 -r sha256sum
  ) | sha256sum | cut -c 1-16
}

# Name of the base image that the Dockerfile asks for by itself.
default_base() { sed -n 's/^ARG BUILD_IMAGE=//p' "$repository/docker/$1/Dockerfile"; }

is_packed() { [ "$1" = controller ] && [ -n "$program" ]; }

# What an archive of these sources and bases has in its record.
record_of() {
  if is_packed "$1"; then
    echo "packed $(sha256sum <"$program")"
  elif [ "$2" = local ]; then
    echo "$(content_key "${sources[@]}") local $(base_key "$base")"
  else
    echo "$(content_key "${sources[@]}") default $(default_base "$1")"
  fi
}

# Whether the archive's content is what is asked for; its tag may be another.
is_current() {
  local kind made_from
  [ -f "$archive" ] || return 1
  made_from=$(cat "$archive.made-from" 2>/dev/null) || return 1
  for kind in default local; do
    [ "$bases" = auto ] || [ "$bases" = "$kind" ] || continue
    [ "$made_from" != "$(record_of "$1" "$kind")" ] || return 0
  done
  return 1
}

image_in() { tar -xOf "$1" manifest.json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["RepoTags"][0])'; }

# --- building -----------------------------------------------------------------------

# Settles --base-images for all images at once, and says so.
choose_bases() {
  local wanted
  [ "$bases" = auto ] || return 0
  wanted=$(default_base "$1")
  if engine_has "$wanted" || engine_pull "$wanted"; then
    bases=default
    step "base images: as the Dockerfiles name them"
  else
    bases=local
    step "base images: no image registry gives $wanted, so stand-ins made of the distribution's packages"
  fi
}

build() {
  local log=$repository/build/log/image-$1.log arguments=()
  choose_bases "$1"
  if [ "$bases" = local ]; then
    command -v debootstrap >/dev/null || prepare_packages images
    ensure_base "$base"
    arguments=("BUILD_IMAGE=$(base_image "$base")")
  fi
  step "building $image"
  # The record first: what changes during the build is found changed by the next run.
  record_of "$1" "$bases" >"$archive.record"
  run_logged "$log" engine_build "$image" "$repository/docker/$1/Dockerfile" "$repository/$context" "${arguments[@]}" ||
    fail "the image $1 could not be built: $log"
  keep run_logged "$log" engine_save "$image"
  mv "$archive.record" "$archive.made-from"
}

# COMMAND that writes the file which it is given last: whole or not at all.
keep() {
  rm -f "$archive.new"
  "$@" "$archive.new" || fail "$image could not be written to $archive"
  # An archive without a record is made anew.
  [ ! -e "$archive.record" ] || rm -f "$archive.made-from"
  mv "$archive.new" "$archive"
}

# The same content under another tag.
retag() {
  local old
  old=$(image_in "$archive")
  step "$image is $old"
  # Whatever the builder has under that name may be another clone's.
  engine_load "$archive"
  engine_tag "$old" "$image"
  keep run_logged "$repository/build/log/image-$1.log" engine_save "$image"
}

pack() {
  step "packing $program as $image"
  record_of "$1" >"$archive.record"
  keep run_logged "$repository/build/log/image-$1.log" pack_program
  mv "$archive.record" "$archive.made-from"
}

pack_program() { "$repository/cluster/pack-image" "$program" "$1" --name "$image"; }

# In decimal, as the limits are: an archive holds the layers as they are on a node's disk.
check_size() {
  local bytes
  bytes=$(stat --format=%s "$archive")
  printf '%-36s %4s MB of %3s MB  %s\n' "$image" $(((bytes + 500000) / 1000000)) "$limit" "$archive"
  # A packed program may hold all that a debugger wants.
  if [ "$bytes" -ge $((limit * 1000000)) ] && ! is_packed "$1"; then
    fail "$image is too big: $bytes bytes, and at most $limit MB are allowed"
  fi
}

push() {
  local target=$registry/$name:$tag
  step "pushing $target"
  engine_load "$archive"
  run_logged "$repository/build/log/push-$1.log" engine_push "$image" "$target" || fail "$target could not be pushed"
}

need_engine() {
  [ -z "$engine" ] || return 0
  if ! find_engine "$given_engine"; then
    # buildah works as root without a daemon.
    [ -z "$given_engine" ] || fail "$given_engine does not work here:$engine_said"
    prepare_packages images
    find_engine || fail "no image builder that works:$engine_said"
  fi
  step "images are built with $engine"
  engine_tidy
}

# The archive, from whatever is nearest to it.
provide() {
  local there=none
  ! is_current "$1" || there=$(image_in "$archive")
  if [ "$there" = "$image" ]; then
    step "$image is there, and nothing has changed since"
  elif is_packed "$1"; then
    pack "$1"
  elif [ "$there" != none ]; then
    need_engine
    retag "$1"
  else
    need_engine
    build "$1"
  fi
}

# One build at a time on a machine: they share a store. Not truncated when it is opened: it says who has it.
lock_store() {
  local lock=$image_cache/lock minutes=0
  exec 9>>"$lock"
  if ! flock --nonblock 9; then
    step "waiting for another build of images: $(holder_of "$lock")"
    until flock --wait 60 9; do
      minutes=$((minutes + 1))
      step "  still waiting, for $minutes min: $(holder_of "$lock")"
    done
  fi
  printf '%s %s\n' $$ "$repository" >"$lock"
}

holder_of() {
  local pid='' folder=''
  read -r pid folder <"$1" || true
  # One that was killed may have left it to what it had started; its number may be another's by now.
  if grep -qs build-images "/proc/$pid/cmdline"; then
    echo "process $pid in $folder has the lock $1"
  else
    echo "somebody has the lock $1 (fuser $1 says who)"
  fi
}

main() {
  local each
  read_arguments "$@"
  if [ "$only_keys" = yes ]; then
    for each in "${images[@]}"; do
      describe "$each"
      echo "$name $(record_of "$each" local | sha256sum | cut -c 1-12)"
    done
    return
  fi
  mkdir -p "$output" "$image_cache"
  lock_store
  for each in "${images[@]}"; do
    describe "$each"
    provide "$each"
    [ -z "$registry" ] || { need_engine && push "$each"; }
  done
  for each in "${images[@]}"; do
    describe "$each"
    check_size "$each"
  done
}

main "$@"
