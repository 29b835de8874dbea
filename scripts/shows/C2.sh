#!/usr/bin/env bash
# C2: new bytes in the second version against FastCDC at equal mean length.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C2 "new bytes in the second version against FastCDC at equal mean length"
show_goal C2 "$@"
