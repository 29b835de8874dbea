#!/usr/bin/env bash
# The simulator finds every bug of the museum within 10,000 seeds; a test finds each of those in corners
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export TIDEMARK_BIN=${TIDEMARK_BIN:-/bin/true} # none is run
begin B2 "deliberate bugs are found"

build museum tidemark_sim_main
sim=$root/build/museum/tests/sim/tidemark_sim
bugs=$("$sim" --bugs)
if [ $# -gt 0 ]; then bugs=$(printf '%s\n' "$@"); fi

# One line: the bug, the seeds that were needed, the invariant that was broken.
find_bug() {
  local out seed
  out=$("$1" --seeds="${B2_SEEDS:-10000}" --bug="$2" 2>&1 | grep -m 1 -E '^seed [0-9]+:') || true
  seed=$(sed -nE 's/^seed ([0-9]+):.*/\1/p' <<<"$out")
  printf '  %-28s %6s  %.60s\n' "$2" "${seed:-NEVER}" "${out#*: }"
}
export -f find_bug

title "seeds needed for each of $(wc -w <<<"$bugs") bugs"
xargs -P "$(nproc)" -I{} bash -c "find_bug $sim {}" <<<"$bugs" | tee "$work/found"
corners=$("$sim" --corner-bugs)
if [ $# -gt 0 ]; then corners=""; fi
# shellcheck disable=SC2046 # one word each
if [ -n "$corners" ]; then build museum $(awk '{print $2}' <<<"$corners" | sort -u); fi

# The test passes, and fails with the bug on display.
find_in_corner() {
  local bug=$1 test=$2 filter=$3 program
  program=$(find "$root/build/museum/tests" -name "$test" -type f)
  if "$program" --gtest_filter="$filter" >"$work/$bug" 2>&1 &&
    ! TIDEMARK_MUSEUM_BUG=$bug "$program" --gtest_filter="$filter" >>"$work/$bug" 2>&1; then
    printf '  %-28s %s\n' "$bug" "$test"
  else
    printf '  %-28s NEVER\n' "$bug"
  fi
}

title "bugs of corners, and the tests that find them"
while read -r bug test filter; do
  if [ -n "$bug" ]; then find_in_corner "$bug" "$test" "$filter"; fi
done <<<"$corners" | tee -a "$work/found"
check "bugs not found" "$(grep -c NEVER "$work/found" || true)" -eq 0
check "bugs found" "$(grep -vc NEVER "$work/found")" -ge "$(wc -w <<<"$bugs")"
shown
