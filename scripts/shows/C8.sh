#!/usr/bin/env bash
# C8: the same until the witness has it too, compression on.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C8 "the same until the witness has it too, compression on"
show_goal C8 "$@"
