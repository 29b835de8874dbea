#!/usr/bin/env bash
# C10: bytes that the second version adds at a site.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C10 "bytes that the second version adds at a site"
show_goal C10 "$@"
