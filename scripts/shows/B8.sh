#!/usr/bin/env bash
# Resume inside an archive: a push of a sparse file is cut off at 90 % by kill -9 of the agent, then another by kill -9
# of the push itself; the retry goes on from the last resume point and reads next to nothing again.
# B8_BYTES: of random data in the file (default 4 GB); it is five times as long, with holes between. B8_AT: kill at so
# many percent (90). B8_AGAIN_MAX: how much may be read twice (default: a hundredth of the archive up to there).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin B8 "a push that was cut off goes on where it was"

data_bytes=${B8_BYTES:-4000000000}
at=${B8_AT:-90}
islands=8
island_bytes=$((data_bytes / islands / 1048576 * 1048576))
data_bytes=$((islands * island_bytes))
file=$work/source
# A hundredth of the archive up to the kill. What the agent had read and no primary had yet is in it.
allowed=${B8_AGAIN_MAX:-$((data_bytes * 5 / 100 * at / 100))}
need_free $((data_bytes * 7))

make_source() {
  local island
  rm -f "$file"
  truncate -s $((data_bytes * 5)) "$file"
  for ((island = 0; island < islands; ++island)); do
    random "$island_bytes" "B8-$1-$island" |
      dd of="$file" bs=1M seek=$((island * 5 * island_bytes / 1048576)) conv=notrunc iflag=fullblock status=none
  done
  # Out of the page cache: what the agent reads of it, it reads from the disk, where it can be counted.
  sync "$file"
  forget
  sleep 0.2
}
forget() { dd if="$file" iflag=nocache count=0 status=none; }
# Bytes that the agent has read from the disk. Its own state is next to nothing beside the source.
agent_read() {
  local key value
  while read -r key value; do
    if [ "$key" = read_bytes: ]; then read_now=$value; fi
  done <"/proc/$agent_pid/io"
}
# Without a pause: the moment of the kill matters.
wait_until_read() {
  local until=$((SECONDS + 600))
  agent_read
  while [ "$read_now" -lt "$1" ]; do
    [ "$SECONDS" -lt "$until" ] || fail "only $read_now bytes are read after 600 s"
    agent_read
  done
}

lab_up lab
agent_pid=$(pid_of agent)
make_source first
say "source: $(mib "$(stat -c %s "$file")"), of which $(mib "$data_bytes") are random data"

# cut_off NAME agent|push: starts a push, ends it at that share of the data; sets read_before
cut_off() {
  local name=$1 what=$2 start pid
  agent_read
  start=$read_now
  "$bin" push --name "$name" "$file" --json >"$work/push.json" 2>"$work/push.err" &
  pid=$!
  wait_until_read $((start + data_bytes / 100 * at))
  if [ "$what" = agent ]; then
    kill -STOP "$agent_pid"
    agent_read
    lab_kill agent
    wait "$pid" && fail "the push exited 0 without its agent"
    lab_start agent
    agent_pid=$(pid_of agent)
  else
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null && fail "the push exited 0"
    sleep 1   # what was being read and sent comes to its end
    agent_read
  fi
  read_before=$((read_now - start))
  check "read before the kill of the $what" "$read_before" -lt "$data_bytes"
}

# go_on NAME VERSION: the retry; how much it reads again
go_on() {
  local name=$1 start again
  forget
  agent_read
  start=$read_now
  t push --name "$name" "$file" --json >"$work/push.json" 2>"$work/push.err" || fail "the retry exited $?: $(cat "$work/push.err")"
  file_says "$work/push.err" 'resuming at .*%' || fail "it does not say that it resumes: $(cat "$work/push.err")"
  ok "it says: $(grep -m 1 resuming "$work/push.err")"
  agent_read
  again=$((read_before + read_now - start - data_bytes))
  check "resumed_at_bytes" "$(jq .resumed_at_bytes "$work/push.json")" -gt 0
  check "source bytes" "$(jq .source_bytes "$work/push.json")" -eq "$(stat -c %s "$file")"
  check "data bytes" "$(jq .data_bytes "$work/push.json")" -eq "$data_bytes"
  check "bytes read twice" "$again" -le "$allowed"
  ok "that is $(calculate "100 * $again / $read_before") % of the data that was read," \
    "$(calculate "100 * $again / ($data_bytes / 100 * 5 * $at)") % of the archive up to there"
  check "version" "$(jq .version "$work/push.json")" -eq 1
  restore_equals "$name" "$file"
  ok "it restores identically"
}

title "kill -9 of the agent at $at %"
cut_off archive agent
go_on archive
for from in a b w; do
  wait_for 120 "site $from is level" site_is_level "$from"
  restore_equals archive "$file" --from "$from"
done
ok "from a, b and w too"
[ "$(t list archive --json | jq length)" -eq 1 ] || fail "the version appears more than once"
ok "the version appears once"

title "a push of the same file after that"
t push --name archive "$file" --json >"$work/push.json" || fail "it exited $?"
check "resumed_at_bytes" "$(jq .resumed_at_bytes "$work/push.json")" -eq 0
check "new bytes" "$(jq .new_bytes "$work/push.json")" -eq 0

# The rest is shown with less: it comes to lie beside the first at all three sites.
if [ "$data_bytes" -gt 1000000000 ]; then
  island_bytes=$((island_bytes / 4 / 1048576 * 1048576))
  data_bytes=$((islands * island_bytes))
  allowed=100000000
fi
title "kill -9 of the push at $at %"
make_source second
cut_off other push
go_on other

title "the source changes between"
make_source third
cut_off changed agent
printf 'changed' | dd of="$file" conv=notrunc status=none
sleep 0.2
t push --name changed "$file" --json >"$work/push.json" 2>"$work/push.err" || fail "the retry exited $?"
file_says "$work/push.err" 'the source changed' || fail "it does not say that the source changed: $(cat "$work/push.err")"
ok "it says: $(grep -m 1 'the source changed' "$work/push.err")"
check "resumed_at_bytes" "$(jq .resumed_at_bytes "$work/push.json")" -eq 0
restore_equals changed "$file"
ok "it restores as the source is now"
shown
