#!/usr/bin/env bash
# C17: dedup index.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C17 "dedup index"
show_goal C17 "$@"
