# shellcheck shell=bash
# What the shows (scripts/shows/A*.sh) and the fault tests (tests/faults) share: a fresh directory,
# labs in it, checks that say what they checked, and a verdict as the last line.
#
#   source lib.sh; begin A1 "title"; ...; shown
# TIDEMARK_BIN: the binary to run; default build/release/tidemark, which is brought up to date.
# SHOW_KEEP=1: leave the directory where it is (the labs are stopped all the same).
set -Eeuo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
show=
work=
bin=
lab=
labs=()
runner=()   # what stands before every command of ours: another user
bench_programs=(chunker_bench dedup_bench commit_bench index_bench)
why=
is_shown=false
fault=

say() { printf '%s: %s\n' "$show" "$*"; }
title() { printf '\n== %s\n' "$*"; }
ok() { printf '  ok    %s\n' "$*"; }
fail() {
  why=$*
  exit 1
}

begin() {
  show=$1
  shift
  work=$(mktemp -d "${TMPDIR:-/tmp}/tidemark-$show-XXXXXX")
  chmod 755 "$work"
  trap 'end $?' EXIT
  trap 'exit 130' INT TERM
  trap 'fault="line $LINENO: $BASH_COMMAND"' ERR
  find_binary
  say "$*"
}

shown() {
  is_shown=true
  exit 0
}

# The last word. Whatever happened, no process of ours stays.
end() {
  local code=$1 pid
  trap - EXIT ERR INT TERM
  set +e
  for pid in $(jobs -p); do kill "$pid" 2>/dev/null; done
  for lab in "${labs[@]}"; do "$root/scripts/lab" down "$lab"; done
  wait
  look_for_crashes
  if ! $is_shown; then
    [ -n "$why" ] || why="${fault:-interrupted} (exit $code)"
    logs_on_failure
  fi
  if [ "${SHOW_KEEP:-}" = 1 ]; then say "kept: $work"; else rm -rf "$work"; fi
  if $is_shown; then
    say shown
    exit 0
  fi
  say "NOT shown: $why"
  exit 1
}

# A daemon that stopped on an assertion or a sanitizer's finding is a failure, whatever was shown.
look_for_crashes() {
  local line log
  for lab in "${labs[@]}"; do
    for log in "$lab"/*/log "$lab"/../*.log; do
      line=$(grep -m 1 -E 'Assertion .* failed|ERROR: .*Sanitizer|runtime error: ' "$log" 2>/dev/null) || continue
      is_shown=false
      why=${why:-"$log: $line"}
    done
  done
}

logs_on_failure() {
  local log
  for lab in "${labs[@]}"; do
    for log in "$lab"/*/log; do
      [ -s "$log" ] && printf -- '-- the end of %s\n%s\n' "$log" "$(tail -n "${SHOW_LOG_LINES:-6}" "$log")"
    done
  done
}

find_binary() {
  if [ -n "${TIDEMARK_BIN:-}" ]; then
    bin=$(readlink -f "$TIDEMARK_BIN")
    export TIDEMARK_BIN=$bin
    return
  fi
  build release tidemark
  bin=$root/build/release/tidemark
}

# Brings targets of a preset up to date; says nothing unless it fails.
build() {
  local preset=$1
  shift
  if [ ! -f "$root/build/$preset/build.ninja" ]; then
    local launcher=()
    if command -v ccache >/dev/null; then
      launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    fi
    (cd "$root" && cmake --preset "$preset" "${launcher[@]}") >"$work/build.log" 2>&1 ||
      fail "cannot configure $preset: $(tail -n 5 "$work/build.log")"
  fi
  ninja -C "$root/build/$preset" "$@" >"$work/build.log" 2>&1 ||
    fail "cannot build $preset: $(tail -n 20 "$work/build.log")"
}

# ---- labs -----------------------------------------------------------------------------------

# Starts lab NAME and makes it the one that is meant from now on.
lab_up() {
  lab=$work/$1
  local exports
  labs+=("$lab")
  exports=$("${runner[@]}" "$root/scripts/lab" up "$lab" 2>"$work/lab-up.err") ||
    fail "lab up: $(cat "$work/lab-up.err")"
  eval "$exports"
}
lab_kill() { "${runner[@]}" "$root/scripts/lab" kill "$lab" "$1"; }
lab_start() { "${runner[@]}" "$root/scripts/lab" start "$lab" "$1"; }
lab_down() { "${runner[@]}" "$root/scripts/lab" down "$lab"; }
pid_of() { cat "$lab/$1/pid"; }

# Stops one daemon in order, as an operator does.
lab_stop() {
  local pid
  pid=$(pid_of "$1")
  kill -TERM "$pid"
  wait_for 20 "$1 stops" is_gone "$pid"
}
is_gone() { ! kill -0 "$1" 2>/dev/null; }

t() { "${runner[@]}" "$bin" "$@"; }

# The same for a user who is not root. Tools and binary are copied to where that user can read.
become_plain_user() {
  local home=$work/plain
  mkdir -p "$home/scripts"
  cp "$root/scripts/lab" "$home/scripts/lab"
  cp "$bin" "$home/tidemark"
  chmod -R a+rX "$home"
  chown -R nobody "$home"
  bin=$home/tidemark
  root=$home
  runner=(setpriv --reuid=nobody --regid=nogroup --clear-groups env "HOME=$home" "TIDEMARK_BIN=$bin")
  work=$home
}

# ---- what status and list say ---------------------------------------------------------------

# clamp PID &: it gets a fortieth of its time, until this is killed.
clamp() {
  exec python3 -c '
import os, signal, sys, time
pid = int(sys.argv[1])
while True:
    os.kill(pid, signal.SIGSTOP); time.sleep(0.195)
    os.kill(pid, signal.SIGCONT); time.sleep(0.005)' "$1"
}
site_is() { t status --json | jq -r --arg site "$1" ".sites[] | select(.name == \$site) | $2"; }
vault_is() { t status --json | jq -r ".vaults[0] | $1"; }
site_has_state() { [ "$(site_is "$1" .state)" = "$2" ]; }
# Site $1 holds everything that is committed.
site_is_level() {
  t status --json | jq -e --arg site "$1" \
    '.vaults[0].committed_sequence as $all | .sites[] | select(.name == $site) |
     .state == "streaming" and .durable_sequence >= $all' >/dev/null
}

# ---- checks ---------------------------------------------------------------------------------

# Two files are identical. Else the script ends, unless the call is a condition.
same() {
  cmp -s "$1" "$2" && return 0
  why="$1 and $2 differ${3:+: $3}"
  return 1
}
sum() { sha256sum | cut -c -64; }
mib() { echo $(($1 / 1048576)) MiB; }

# check TEXT LEFT OPERATOR RIGHT: integers
check() {
  test "$2" "$3" "$4" || fail "$1: $2 is not $3 $4"
  ok "$1: $2"
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$until" ] || fail "did not come true: $what"
    sleep 0.1
  done
}

# For texts that another process is still writing.
file_says() { grep -qE -- "$2" "$1" 2>/dev/null; }

now() { date +%s.%N; }
# since START: seconds with one digit
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.1f", to - from }'; }
milliseconds_since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%d", 1000 * (to - from) }'; }
calculate() { awk "BEGIN { printf \"%.3f\", $1 }"; }
holds() { awk "BEGIN { exit !($1) }"; }

# show_goal GOAL [ARGUMENT...]: scripts/bench measures it; shown when nothing is below its 'ship'
show_goal() {
  local goal=$1 code=0
  shift
  [ -n "${TIDEMARK_BIN:-}" ] || build release tidemark "${bench_programs[@]}"
  "$root/scripts/bench" "$goal" --binary "$bin" --directory "$work" "$@" || code=$?
  case $code in
    0) shown ;;
    1) fail "below the goal to ship" ;;
    *) fail "not measured (exit $code)" ;;
  esac
}

# ---- archives -------------------------------------------------------------------------------

# random BYTES SEED: the same bytes for the same seed, fast, incompressible
random() {
  { openssl enc -aes-256-ctr -nosalt -pass "pass:$2" </dev/zero 2>/dev/null || true; } | head -c "$1"
}

# restore_equals NAME FILE [ARGUMENT...]: a restore with these arguments gives FILE's bytes
restore_equals() {
  local name=$1 file=$2 out=$work/restored-$BASHPID
  shift 2
  if ! t restore "$name" -o "$out" "$@" >/dev/null; then
    why="restore $name $* fails"
    return 1
  fi
  same "$file" "$out" "restore $name $*" || return 1
  rm -f "$out"
}

need_free() {
  local free
  free=$(df --output=avail -B1 "$work" | tail -n 1)
  [ "$free" -ge "$1" ] || fail "$(mib "$1") of free space are needed in $work, there are $(mib "$free")"
}
