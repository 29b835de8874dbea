#!/usr/bin/env bash
# The whole store of a primary is gone: the empty one is not taken for it; one command fills it while pushes go on.
# B9_BYTES: of what is stored before (default 256 MiB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin B9 "a lost primary"

bytes=${B9_BYTES:-268435456}
random "$bytes" B9 >"$work/archive"
lab_up lab
t push --wait all "$work/archive" >/dev/null

# Pushes all the time, each a new archive; what was acknowledged is written down.
push_for_ever() {
  local number=0
  while [ ! -e "$work/enough" ]; do
    number=$((number + 1))
    random 1500000 "B9 $number" >"$work/small-$number"
    if t push --name "small-$number" "$work/small-$number" >/dev/null 2>>"$work/pushes.err"; then
      echo "$number" >>"$work/acknowledged"
    else
      echo "$number" >>"$work/failed"
    fi
  done
}
acknowledged() { wc -l <"$work/acknowledged" 2>/dev/null || echo 0; }
more_than() { [ "$(acknowledged)" -gt "$1" ]; }
shows_new_store() { site_has_state a damaged && site_is a .last_error | grep -q "site replace a"; }

push_for_ever &
pusher=$!
wait_for 30 "pushes run" more_than 2

title "a's store is deleted"
lab_kill a
rm -rf "$lab/a/store"
lab_start a
wait_for 20 "status says that a shows another store" shows_new_store
ok "status: $(site_is a .last_error)"
held=$(acknowledged)
sleep 3
check "nothing is committed with an empty store: acknowledged pushes since" $(($(acknowledged) - held)) -le 1
code=0
t site replace b 2>"$work/stderr" || code=$?
check "site replace b, which is not lost, exits" "$code" -ne 0

title "one command"
begun=$(now)
t site replace a
wait_for 120 "a is level" site_is_level a
ok "a holds everything again after $(since "$begun") s, $(mib "$bytes") and more"
held=$(acknowledged)
wait_for 30 "pushes go on" more_than $((held + 3))
touch "$work/enough"
wait $pusher
ok "$(acknowledged) pushes acknowledged"
[ ! -e "$work/failed" ] || fail "pushes failed: $(cat "$work/pushes.err")"
ok "none failed: they waited"
restore_equals archive "$work/archive" --from a
while read -r number; do
  restore_equals "small-$number" "$work/small-$number" --from a
done <"$work/acknowledged"
ok "every acknowledged archive, from a alone"

title "afterwards"
wait_for 30 "the witness has it too" site_is_level w
t verify --deep >"$work/verify" 2>&1 || fail "verify --deep exits $?: $(cat "$work/verify")"
ok "verify --deep: everything is right"
lab_kill agent
lab_start agent
wait_for 20 "a is known by its new store" site_is_level a
ok "a restart of the agent knows the new store"
shown
