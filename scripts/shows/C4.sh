#!/usr/bin/env bash
# C4: known data pushed again, its content read, against own rate for new data.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C4 "known data pushed again, its content read, against own rate for new data"
show_goal C4 "$@"
