#!/usr/bin/env bash
# C7: first full to three durable destinations, compression off.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C7 "first full to three durable destinations, compression off"
show_goal C7 "$@"
