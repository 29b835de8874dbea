# shellcheck shell=bash
# The table of bad input and faults: each row a command, its exit code, the words of its message.
#
#   source table.sh; table NAME "title"; row ... ; ...; done_with_table
# Restores go to "$out"; after each row it must be empty: no output, no part file.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/shows/lib.sh"

out=
bad_rows=0
rows=0

table() {
  begin "$1" "$2"
  out=$work/out
  mkdir "$out"
}

bad() {
  printf '  BAD   %s\n' "$*"
  bad_rows=$((bad_rows + 1))
}

# row TITLE EXIT WORDS COMMAND...: once as people call it, once with --json.
row() {
  local title=$1 exit=$2 words=$3
  shift 3
  try_row "$title" "$exit" "$words" "$@" || return 0
  local code=0
  "$@" --json >"$work/row.json" 2>"$work/row.err" </dev/null || code=$?
  if [ "$code" -ne "$exit" ]; then
    bad "$title: with --json it exits $code"
  elif ! jq -e --argjson exit "$exit" --arg words "$words" '
      .error | .exit == $exit and (.code | test("^[a-z_]+$")) and (.message | test($words; "i")) and
      has("hint")' "$work/row.json" >/dev/null 2>&1; then
    bad "$title: --json printed $(cat "$work/row.json")"
  fi
  nothing_left "$title --json"
}

# The same without --json: daemons, and where standard output is the archive's.
plain_row() { try_row "$@" || true; }

try_row() {
  local title=$1 exit=$2 words=$3 code=0
  shift 3
  rows=$((rows + 1))
  "$@" >"$work/row.out" 2>"$work/row.err" </dev/null || code=$?
  if [ "$code" -ne "$exit" ]; then
    bad "$title: exits $code, not $exit: $(tail -n 2 "$work/row.err")"
    nothing_left "$title"
    return 1
  fi
  if ! grep -qiE -- "$words" "$work/row.err"; then
    bad "$title: the message has not '$words': $(cat "$work/row.err")"
    nothing_left "$title"
    return 1
  fi
  printf '  ok    %-46s %3d  %s\n' "$title" "$exit" "$(grep -m 1 -iE -- "$words" "$work/row.err" | cut -c -150)"
  nothing_left "$title"
}

nothing_left() {
  [ -z "$(ls -A "$out")" ] && return 0
  bad "$1: left $(ls -A "$out")"
  rm -rf "${out:?}"/*
}

# For what is no row: expect TEXT COMMAND...
expect() {
  local text=$1
  shift
  rows=$((rows + 1))
  why=
  if "$@" >/dev/null; then printf '  ok    %s\n' "$text"; else bad "$text${why:+: $why}"; fi
  why=
}

done_with_table() {
  [ "$bad_rows" -eq 0 ] || fail "$bad_rows of $rows rows are not as they must be"
  say "$rows rows"
  shown
}

# Runs a daemon that must refuse to start; one that starts is a bad row.
refused() { timeout -k 5 20 "$bin" "$@"; }

# Changes one byte of a file.
damage() { # FILE OFFSET
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
  printf '%b' "\\x$(printf '%02x' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc,fsync status=none
}

setting() { sed -nE "s/^$2 = \"?([^\"]*)\"?\$/\1/p" "$1" | head -n 1; }
