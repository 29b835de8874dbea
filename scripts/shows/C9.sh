#!/usr/bin/env bash
# C9: the same against tee to three files and fsync.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C9 "the same against tee to three files and fsync"
show_goal C9 "$@"
