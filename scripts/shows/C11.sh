#!/usr/bin/env bash
# C11: 4 KiB, one outstanding: record to commit decision against raw loops and an echo.
# Arguments go to scripts/bench: --rounds, --bytes, --peer-bytes, --out FILE.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin C11 "4 KiB, one outstanding: record to commit decision against raw loops and an echo"
show_goal C11 "$@"
