#!/usr/bin/env bash
# C1: cut-point search against scalar FastCDC with the same limits.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C1 "cut-point search against scalar FastCDC with the same limits"
show_goal C1 "$@"
