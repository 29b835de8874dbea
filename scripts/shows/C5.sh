#!/usr/bin/env bash
# C5: agent and three sites, processor seconds per logical GB, compression off.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C5 "agent and three sites, processor seconds per logical GB, compression off"
show_goal C5 "$@"
