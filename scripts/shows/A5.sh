#!/usr/bin/env bash
# The witness is away for 8 GiB of stdin: pushes are as fast, memory stays flat, lag grows, it catches up by itself.
# A5_BYTES: of the stream (default 8 GiB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A5 "the witness cannot hurt"

bytes=${A5_BYTES:-8589934592}
base_bytes=$((bytes / 4 < 2147483648 ? bytes / 4 : 2147483648))
agent_max=$((512 * 1024))   # KiB
site_max=$((256 * 1024))
need_free $(((bytes + base_bytes) * 32 / 10))
lab_up lab

memory() { awk -v what="$2:" '$1 == what { print $2 }' "/proc/$(pid_of "$1")/status"; }
push_stream() { t push --name "$2" - --json < <(random "$1" "A5-$2") >"$work/$2.json"; }

title "before: $(mib "$base_bytes") of stdin with the witness"
from=$(now)
push_stream "$base_bytes" before
before=$(since "$from")
before_rate=$(calculate "$base_bytes / $before / 1000000")
ok "$before s, $before_rate MB/s"

title "the witness dies; $(mib "$bytes") of stdin"
wait_for 60 "the witness is level" site_is_level w
lab_kill w
away=$(now)
watch=$work/watch
# Time, lag and RPO of w, resident memory of the agent: once a second.
watch_it() {
  while true; do
    printf '%s %s %s\n' "$(since "$away")" \
      "$(site_is w '"\(.state) \(.replication_lag_seconds) \(.pending_bytes)"')" "$(memory agent VmRSS)"
    sleep 1
  done >"$watch"
}
watch_it &
watcher=$!
from=$(now)
push_stream "$bytes" without || fail "the push exited $? without the witness"
took=$(since "$from")
rate=$(calculate "$bytes / $took / 1000000")
kill "$watcher"
wait "$watcher" 2>/dev/null || true
ok "exit 0 after $took s, $rate MB/s"
holds "$rate >= 0.9 * $before_rate" || fail "$rate MB/s without the witness, $before_rate MB/s with it"
ok "as fast as before ($before_rate MB/s)"

say "seconds away, state, lag, pending bytes, agent KiB:"
awk 'NR % 10 == 1' "$watch"
# Only whole lines; the lag of a dead site grows with the time.
awk 'NF == 5 && $2 == "down" { if ($3 == "null" || $3 + 0 < last) exit 1; last = $3 + 0; n++ }
     END { if (n < 2) exit 1 }' "$watch" || fail "the lag of w did not grow in status"
lag=$(site_is w .replication_lag_seconds)
holds "$lag >= $(since "$away") - 3" || fail "w is away for $(since "$away") s, its lag is given as $lag s"
ok "its lag grew in status, to $lag s after $(since "$away") s"

title "memory"
check "agent, peak KiB" "$(memory agent VmHWM)" -lt "$agent_max"
for site in a b; do check "site $site, peak KiB" "$(memory "$site" VmHWM)" -lt "$site_max"; done
lines=$(wc -l <"$watch")
early=$(awk -v n="$lines" 'NF == 5 && NR > n / 8 && NR <= n / 2 && $5 > m { m = $5 } END { print m + 0 }' "$watch")
late=$(awk -v n="$lines" 'NF == 5 && NR > n / 2 && $5 > m { m = $5 } END { print m + 0 }' "$watch")
check "agent's second half of the push against its first ($early KiB)" "$late" -le $((early + 32768))

title "the witness returns"
from=$(now)
lab_start w
wait_for 20 "it says that it catches up" file_says "$lab/agent/log" 'site w: catching_up'
ok "it catches up (from a or b: the agent holds a window only, $(mib "$bytes") were missed)"
wait_for $((bytes / 20000000 + 120)) "the witness is level" site_is_level w
ok "level after $(since "$from") s"
check "site w, peak KiB" "$(memory w VmHWM)" -lt "$site_max"
check "agent, peak KiB" "$(memory agent VmHWM)" -lt "$agent_max"
want=$(random "$bytes" A5-without | sum)
got=$(t restore without --from w -o - | sum)
[ "$got" = "$want" ] || fail "the stream from w differs"
ok "the stream restores from w"
shown
