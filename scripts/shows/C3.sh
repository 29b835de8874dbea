#!/usr/bin/env bash
# C3: one core, page cache to sealed chunks, as a share of the sum of its stages' limits.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C3 "one core, page cache to sealed chunks, as a share of the sum of its stages' limits"
show_goal C3 "$@"
