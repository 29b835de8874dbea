#!/usr/bin/env bash
# tidemark bench measures and leaves nothing: no process, no file. The report of scripts/bench holds.
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/shows/lib.sh"
begin bench "a bench that leaves nothing behind"

mkdir "$work/disk"
t bench --directory "$work/disk" --bytes 20000000 --json >"$work/bench.json" ||
  fail "bench exited $?"
for what in "new data to three sites" "known data again" "restore to a file" \
  "verify --deep, three stores" "push of 4 KiB"; do
  jq -e --arg what "$what" '.figures[] | select(.what == $what) |
    (.bytes_per_second // .p50_seconds) > 0' "$work/bench.json" >/dev/null || fail "no figure: $what"
done
jq -e '.floors | length == 5 and all(. > 0)' "$work/bench.json" >/dev/null || fail "no floors"
ok "figures beside floors"
check "files left" "$(find "$work/disk" -mindepth 1 | wc -l)" -eq 0
check "processes left" "$(pgrep -cf "site run --config $work/disk" || true)" -eq 0

random 8000000 bench >"$work/input"
t bench --stages --input "$work/input" --json >"$work/stages.json" || fail "--stages exited $?"
jq -e '(.stages | length == 6) and .bytes == 8000000 and .chunks > 50 and .share_of_limit > 0' \
  "$work/stages.json" >/dev/null || fail "--stages: $(cat "$work/stages.json")"
ok "stages of a push on one core"

code=0
t bench --directory "$work/nowhere" >"$work/out" 2>&1 || code=$?
check "a directory that is not there exits" "$code" -eq 66

if command -v python3 >/dev/null; then
  python3 "$root/bench/measure/report_test.py" 2>"$work/report" || fail "$(cat "$work/report")"
  ok "report and comparison"
fi
shown
