#!/usr/bin/env bash
# C16: peak memory of the agent, a long stream against a short one.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C16 "peak memory of the agent, a long stream against a short one"
show_goal C16 "$@"
