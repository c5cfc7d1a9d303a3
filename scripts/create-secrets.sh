#!/usr/bin/env bash
# Makes the Secrets that an app refers to: see --help.
#
# A value is never an argument or in the environment of any program, so that neither ps nor /proc shows it; it is not printed,
# and in no file. It goes from the terminal, a file or stdin through pipes to kubectl.
set -euo pipefail
# Whoever traces this script would see the values.
set +x
# shellcheck source=scripts/lib/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/prepare.sh"

usage() {
  cat <<'END'
usage: scripts/create-secrets.sh [-n NAMESPACE] [--context NAME] (--app NAME | -f FILE | --key NAME/KEY...) [options]

Makes the Secrets that an app takes values from (spec.secrets[].valueFrom), and says of each key what was done. Keys that are
there already stay as they are, so a second run changes nothing. Values are asked for without being shown, unless:

  --from-file NAME/KEY=FILE      the value is the content of the file, byte for byte
  --stdin                        values come from stdin, a line NAME/KEY=VALUE for each; none is asked for
  --generate NAME/KEY[=BYTES]    a random value of so many bytes (default: 32), in base64

Which keys are wanted:

  --app NAME                     those of an app that is in the cluster
  -f, --filename FILE            those of an app in a file, such as manifests/samples/todo.yaml
  --key NAME/KEY                 this one; may be given again
                                 (what the three options above name is wanted too)

  --replace                      new values for keys that are there: what uses them live restarts, rolling
  --dry-run                      show the names of what would be done, and ask for nothing
  -n, --namespace NAMESPACE      default: that of the context
  --context NAME                 default: the current one
  --help                         say this

Exit code: 0 all are there; 1 not so; 2 wrong usage.
END
}

# What is wanted, in order: NAME/KEY. Of each, where its value comes from; and then the value, in base64.
wanted=()
declare -A source_of=() encoded=() purpose=()
kubectl_flags=() app='' file='' from_stdin=no replace=no dry_run=no

want() {
  [[ $1 =~ ^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[-._a-zA-Z0-9]+$ ]] ||
    wrong_usage "NAME/KEY is wanted, the name of a Secret and of a key in it, not ${1%%=*}"
  [ -v "source_of[$1]" ] || wanted+=("$1")
  if [ -n "${2:-}" ] || [ ! -v "source_of[$1]" ]; then source_of[$1]=${2:-}; fi
}

read_arguments() {
  while [ $# != 0 ]; do
    case $1 in
      --help | -h) usage && exit 0 ;;
      --stdin) from_stdin=yes ;;
      --replace) replace=yes ;;
      --dry-run) dry_run=yes ;;
      --app | --filename | -f | --key | --from-file | --generate | --namespace | -n | --context)
        [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
        read_option "$1" "$2"
        shift
        ;;
      # Not shown: it may be a value that slipped.
      *) wrong_usage "an unknown argument (values are never arguments)" ;;
    esac
    shift
  done
  [ -n "$app$file" ] || [ ${#wanted[@]} != 0 ] || [ "$from_stdin" = yes ] ||
    wrong_usage "nothing is wanted: name --app, -f or --key"
}

read_option() {
  case $1 in
    --app) app=$2 ;;
    --filename | -f) file=$2 ;;
    --key) want "$2" ;;
    --namespace | -n) kubectl_flags+=(--namespace "$2") ;;
    --context) kubectl_flags+=(--context "$2") ;;
    --from-file)
      [[ $2 == */*=?* ]] || wrong_usage "--from-file takes NAME/KEY=FILE"
      [ -r "${2#*=}" ] || fail "cannot read the file ${2#*=}"
      want "${2%%=*}" "file:${2#*=}"
      ;;
    --generate)
      [[ $2 != *=* || ${2#*=} =~ ^[1-9][0-9]{0,3}$ ]] || wrong_usage "--generate takes NAME/KEY=BYTES, up to 9999"
      if [[ $2 == *=* ]]; then want "${2%%=*}" "random:${2#*=}"; else want "$2" random:32; fi
      ;;
  esac
}

kube() { kubectl "${kubectl_flags[@]}" "$@"; }

# --- what is wanted -------------------------------------------------------------

# Names only: the app's spec holds no values.
find_wanted() {
  local names found='' variable key
  names='go-template={{range .spec.secrets}}{{if .valueFrom}}{{.name}} {{.valueFrom.secretKeyRef.name}}'
  names+='/{{.valueFrom.secretKeyRef.key}}{{"\n"}}{{end}}{{end}}'
  if [ -n "$app" ]; then
    found=$(kube get todoappdeployment "$app" -o "$names") || fail "there is no such app: $app"
  elif [ -n "$file" ]; then
    # Changes nothing, and asks no cluster: the way to have kubectl read YAML.
    found=$(kubectl annotate --local -f "$file" read=yes -o "$names") || fail "no app can be read from $file"
  fi
  while read -r variable key; do
    [ -n "$key" ] || continue
    want "$key"
    purpose[$key]=$variable
  done <<<"$found"
  if [ ${#wanted[@]} = 0 ] && [ "$from_stdin" = no ]; then
    echo "no Secret is wanted: this app takes no value from one"
  fi
}

# --- values ---------------------------------------------------------------------

read_stdin() {
  local line
  [ "$from_stdin" = yes ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    [ -n "$line" ] || continue
    [[ $line == */*=?* ]] || fail "a line of stdin is not NAME/KEY=VALUE"
    want "${line%%=*}" stdin
    encoded[${line%%=*}]=$(printf '%s' "${line#*=}" | base64 -w 0)
  done
}

# NAME/KEY -> encoded[NAME/KEY]
read_value() {
  local path
  case ${source_of[$1]} in
    stdin) ;;
    file:*)
      path=${source_of[$1]#file:}
      encoded[$1]=$(base64 -w 0 <"$path")
      [ -n "${encoded[$1]}" ] || fail "the file for $1 is empty: $path"
      [ -n "$(printf '%s' "${encoded[$1]}" | base64 -d | tail -c 1 | tr -d '\n')" ] || echo "note: $1 ends with a new line, as its file does" >&2
      ;;
    random:*) encoded[$1]=$(head -c "${source_of[$1]#random:}" /dev/urandom | base64 -w 0 | tr -d '\n' | base64 -w 0) ;;
    *)
      [ "$from_stdin" = no ] || fail "stdin had no line for $1"
      ask_value "$1"
      ;;
  esac
}

ask_value() {
  local value again
  { exec 3<>/dev/tty; } 2>/dev/null ||
    fail "there is no terminal to ask for $1: give it by --from-file, --stdin or --generate"
  printf 'Value of %s%s (not shown): ' "$1" "${purpose[$1]:+, for ${purpose[$1]}}" >&3
  IFS= read -rs value <&3 || fail "no value for $1"
  printf '\nOnce more: ' >&3
  IFS= read -rs again <&3 || fail "no value for $1"
  printf '\n' >&3
  exec 3>&-
  [ -n "$value" ] || fail "an empty value for $1"
  [ "$value" = "$again" ] || fail "the two values for $1 are not the same"
  encoded[$1]=$(printf '%s' "$value" | base64 -w 0)
}

# --- the Secrets ------------------------------------------------------------------

# Each Secret once, with all of its keys.
make_secrets() {
  local each name
  local -A seen=()
  for each in "${wanted[@]}"; do
    name=${each%%/*}
    [ ! -v "seen[$name]" ] || continue
    seen[$name]=yes
    make_secret "$name"
  done
}

make_secret() {
  local name=$1 there='' keys='' each key new=() kept=()
  there=$(kube get secret "$name" --ignore-not-found -o name) || fail "the cluster does not say whether secret/$name is there"
  if [ -n "$there" ]; then
    # The template takes the names of keys, and leaves the values.
    # shellcheck disable=SC2016 # expanded by kubectl
    keys=$(kube get secret "$name" -o 'go-template={{range $key, $value := .data}}{{$key}}{{"\n"}}{{end}}')
  fi
  for each in "${wanted[@]}"; do
    [ "${each%%/*}" = "$name" ] || continue
    key=${each#*/}
    if [ "$replace" = no ] && grep -qxF -- "$key" <<<"$keys"; then kept+=("$key"); else new+=("$key"); fi
  done
  [ ${#kept[@]} = 0 ] || echo "secret/$name: ${kept[*]}: there already"
  [ ${#new[@]} != 0 ] || return 0
  if [ "$dry_run" = yes ]; then
    echo "secret/$name: ${new[*]}: would be written"
    return
  fi
  for key in "${new[@]}"; do read_value "$name/$key"; done
  write_secret "$name" "$there" "${new[@]}"
  echo "secret/$name: ${new[*]}: written"
}

# NAME WHETHER-IT-IS-THERE KEY...: other keys of it stay.
write_secret() {
  local name=$1 there=$2 key comma=''
  shift 2
  {
    printf '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "%s"}, "data": {' "$name"
    for key in "$@"; do
      printf '%s"%s": "%s"' "$comma" "$key" "${encoded[$name/$key]}"
      comma=', '
    done
    printf '}}\n'
  } | if [ -n "$there" ]; then
    kube patch secret "$name" --type=merge --patch-file=/dev/stdin >/dev/null
  else
    kube create -f - >/dev/null
  fi || fail "secret/$name could not be written"
}

read_arguments "$@"
_add_tools_to_path
command -v kubectl >/dev/null || fail "kubectl is missing: scripts/verify-environment.sh own-cluster says where to get it"
find_wanted
read_stdin
make_secrets
