#!/usr/bin/env bash
# C12: small durable commits a second at 64 outstanding.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C12 "small durable commits a second at 64 outstanding"
show_goal C12 "$@"
