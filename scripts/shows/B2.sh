#!/usr/bin/env bash
# The simulator finds every bug of the museum within 10,000 seeds
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
check "bugs not found" "$(grep -c NEVER "$work/found" || true)" -eq 0
check "bugs found" "$(grep -vc NEVER "$work/found")" -ge "$(wc -w <<<"$bugs")"
shown
