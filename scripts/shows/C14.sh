#!/usr/bin/env bash
# C14: full verification against restic check --read-data.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C14 "full verification against restic check --read-data"
show_goal C14 "$@"
