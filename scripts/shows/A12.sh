#!/usr/bin/env bash
# All tests under ASan+UBSan and with clang 19, as .ci/run runs them.
# A12_PRESETS (default "asan clang"), A12_CTEST: further arguments of ctest.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
TIDEMARK_BIN=${TIDEMARK_BIN:-/bin/true}   # every preset has its own
begin A12 "sanitizers and the second compiler"

title ".ci/run"
grep -v '^#' "$root/.ci/run"
read -ra presets <<<"${A12_PRESETS:-asan clang}"
read -ra more <<<"${A12_CTEST:-}"
for preset in "${presets[@]}"; do
  grep -q "$preset" "$root/.ci/run" || fail ".ci/run does not run $preset"
  title "$preset"
  build "$preset" all
  grep -E '^(CMAKE_CXX_COMPILER|TIDEMARK_SANITIZE):' "$root/build/$preset/CMakeCache.txt" | sed 's/^/  /'
  (cd "$root" && env -u TIDEMARK_BIN ctest --preset "$preset" -j "$(nproc)" "${more[@]}") >"$work/ctest" 2>&1 ||
    fail "$preset: $(grep -E '\*\*\*|tests passed|Failed' "$work/ctest" | tail -n 20)"
  tail -n 3 "$work/ctest"
  ok "$preset: $(grep -o '.*tests passed.*' "$work/ctest")"
done
shown
