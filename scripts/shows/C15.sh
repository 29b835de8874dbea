#!/usr/bin/env bash
# C15: the primaries' rate with a stalled witness against a healthy one.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C15 "the primaries' rate with a stalled witness against a healthy one"
show_goal C15 "$@"
