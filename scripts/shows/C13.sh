#!/usr/bin/env bash
# C13: full restore, verified.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C13 "full restore, verified"
show_goal C13 "$@"
