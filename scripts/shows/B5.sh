#!/usr/bin/env bash
# One seed is one history: across processes, address layouts, -O0 and -O2, g++ and clang
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export TIDEMARK_BIN=${TIDEMARK_BIN:-/bin/true} # none is run
begin B5 "the same seed, the same trace"

seeds=${B5_SEEDS:-200}
clang=${B5_CLANG:-clang-19}

# build_as NAME FLAGS [CMAKE-ARGUMENT...]: only the simulator, in a directory of its own.
build_as() {
  local name=$1 flags=$2 launcher=()
  shift 2
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake -S "$root" -B "$root/build/same-$name" -G Ninja -DCMAKE_BUILD_TYPE= \
    -DCMAKE_CXX_FLAGS="$flags" "${launcher[@]}" "$@" >"$work/build.log" 2>&1 ||
    fail "cannot configure $name: $(tail -n 5 "$work/build.log")"
  ninja -C "$root/build/same-$name" tidemark_sim_main >"$work/build.log" 2>&1 ||
    fail "cannot build $name: $(tail -n 20 "$work/build.log")"
}
hashes() { # hashes NAME PREFIX...: of the binary in build/same-NAME, run as PREFIX does
  local name=$1
  shift
  "$@" "$root/build/same-$name/tests/sim/tidemark_sim" --seeds="$seeds" --jobs="$(nproc)" --hashes
}

build_as O2 -O2
build_as O0 -O0
build_as clang -O2 -DCMAKE_C_COMPILER="$clang" -DCMAKE_CXX_COMPILER="clang++-${clang#clang-}"

title "$seeds seeds, each with the hash of all that happened"
hashes O2 env >"$work/first"
check "seeds" "$(wc -l <"$work/first")" -eq "$seeds"
check "different histories among them" "$(cut -d' ' -f2 "$work/first" | sort -u | wc -l)" -eq "$seeds"
hashes O2 env >"$work/again"
hashes O2 setarch -R >"$work/fixed"
hashes O0 env >"$work/O0"
hashes clang env >"$work/clang"
for other in again fixed O0 clang; do
  check "seeds that differ: $other" "$(diff "$work/first" "$work/$other" | grep -c '^<' || true)" -eq 0
done
shown
