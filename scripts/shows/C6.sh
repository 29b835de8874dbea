#!/usr/bin/env bash
# C6: the agent's processor time with three sites against one.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C6 "the agent's processor time with three sites against one"
show_goal C6 "$@"
