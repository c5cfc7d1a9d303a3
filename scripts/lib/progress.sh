# shellcheck shell=bash
# What a script tells its user: progress on stderr with the elapsed time, results on stdout. Sourced, never run.
#
#   step TEXT                   [  12.3s] TEXT
#   fail TEXT                   error: TEXT, exit code 1
#   wrong_usage TEXT            the same, exit code 2
#   follow LOG COMMAND...       the command's output goes to LOG; every 10 s its last line is shown
#   run_logged LOG COMMAND...   the same, and at a failure what LOG says of it

# In microseconds. EPOCHREALTIME has the locale's decimal point, so the point is taken out.
_started=${EPOCHREALTIME//[^0-9]/}

elapsed() {
  local tenths=$(( (${EPOCHREALTIME//[^0-9]/} - _started) / 100000 ))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

step() { printf '[%6ss] %s\n' "$(elapsed)" "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

wrong_usage() {
  printf 'error: %s; see --help\n' "$*" >&2
  exit 2
}

run_logged() {
  local code=0
  follow "$@" || code=$?
  [ "$code" = 0 ] || _show_failure "$1"
  return "$code"
}

# The command stays in the foreground, so that Ctrl-C reaches it; what shows its progress runs beside it.
follow() {
  local log=$1 code=0 watching
  shift
  mkdir -p "$(dirname "$log")"
  : >"$log"
  _show_progress "$log" $$ &
  watching=$!
  "$@" >"$log" 2>&1 </dev/null || code=$?
  kill "$watching" 2>/dev/null || true
  wait "$watching" 2>/dev/null || true
  return "$code"
}

_show_progress() {
  local log=$1 script=$2 seconds=0
  while sleep 1 && kill -0 "$script" 2>/dev/null; do
    seconds=$((seconds + 1))
    ((seconds % 10 != 0)) || step "  $(_last_line "$log")"
  done
}

_last_line() {
  # Some programs write over their line (CR): what came last, cut to a line's length.
  tail -c 2000 "$1" | tr '\r' '\n' | { grep -v '^[[:space:]]*$' || echo ...; } | tail -n 1 | cut -c 1-110
}

_show_failure() {
  # Compilers say what is wrong long before their last line.
  { grep -nE '(^|[^[:alnum:]_])(error|Error|FAILED)(:| |$)' "$1" || true; } | head -n 20 >&2
  echo "  ... the last lines of $1:" >&2
  tail -n 20 "$1" >&2
}
