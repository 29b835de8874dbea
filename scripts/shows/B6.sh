#!/usr/bin/env bash
# What ext4 and XFS leave after power cuts is what the simulated disk allows
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export TIDEMARK_BIN=${TIDEMARK_BIN:-/bin/true} # none is run
begin B6 "the simulated disk beside real ones that lose power"

scripts=${B6_SCRIPTS:-1000}
cuts=${B6_CUTS:-5}
fidelity=${B6_TOOL:-}
if [ -z "$fidelity" ]; then
  build release tidemark_fidelity_main
  fidelity=$root/build/release/tests/fidelity/tidemark_fidelity
fi

play() { # play NAME ARGUMENT...: the figures in $work/NAME; what was found beside them
  local name=$1 code=0
  shift
  TMPDIR=$work "$fidelity" "$@" >"$work/$name" 2>"$work/$name.findings" || code=$?
  if [ "$code" -eq 77 ]; then
    cat "$work/$name.findings" >&2
    say "NOT RUN, nothing was shown: it needs root, /dev/fuse, loop devices, mkfs.ext4 and mkfs.xfs"
    is_shown=true # not a failure either: 77 says so
    trap - EXIT
    rm -rf "$work"
    exit 77
  fi
}
figure() { sed -nE "s/^$2: ([0-9]+)\$/\1/p" "$work/$1"; }

for kind in ext4 xfs; do
  title "$scripts scripts on $kind, $cuts power cuts each"
  play "$kind" --fs="$kind" --scripts="$scripts" --cuts="$cuts" --keep-going
  sed 's/^/  /' "$work/$kind"
  head -n 60 "$work/$kind.findings"
  check "scripts played" "$(figure "$kind" scripts)" -eq "$scripts"
  check "scripts outside the model" "$(figure "$kind" 'scripts outside the model')" -eq 0
  check "power cuts that lost something" "$(figure "$kind" 'power cuts that lost something')" -ge \
    $((scripts * cuts / 2))

  title "a disk that lies about flushes is found out"
  play "$kind-lies" --fs="$kind" --scripts=20 --cuts="$cuts" --lies --keep-going
  check "findings" "$(figure "$kind-lies" 'scripts outside the model')" -gt 0
done
shown
