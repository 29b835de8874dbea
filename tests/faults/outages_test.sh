#!/usr/bin/env bash
# Sites away at the start, kill -9 of every process, Ctrl-C: pushes wait and say for what, nothing is half-written.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table outages "processes that are away or die"

fresh() { random 300000000 "outages-$1" >"$work/big"; }
fresh first
random 2000000 outages-small >"$work/small"
lab_up lab
t push --wait all --name small "$work/small" >/dev/null

title "a primary is away when the agent starts"
lab_kill agent
lab_kill b
lab_start agent
expect "the agent serves: list" t list small
expect "and restores" restore_equals small "$work/small"
row "push --timeout 3s" 75 "b: .*refused" t push --timeout 3s "$work/small"
t push --name waited "$work/small" >"$work/push.out" 2>"$work/push.err" &
push=$!
wait_for 20 "it says what it waits for" file_says "$work/push.err" "waiting for .*primary b: .*since"
expect "it waits: $(head -n 1 "$work/push.err")" kill -0 "$push"
lab_start b
expect "b is started: the push exits 0" wait "$push"
expect "and restores" restore_equals waited "$work/small"

title "the witness is away"
lab_kill w
expect "a push does not need it" t push --name without-w "$work/small"
row "push --wait all --timeout 3s" 75 "w" t push --wait all --timeout 3s --name all "$work/small"
lab_start w
expect "push --wait all, now that it is back" t push --wait all --name all "$work/small"

title "the agent is away"
lab_kill agent
row "push" 69 "agent is not reachable" t push "$work/small"
row "restore" 69 "agent is not reachable" t restore small -o "$out/x"
row "list" 69 "agent is not reachable" t list
row "status" 69 "agent is not reachable" t status
code=0
t status --check >/dev/null || code=$?
expect "status --check is unknown: 3" [ "$code" -eq 3 ]
lab_start agent
wait_for 20 "status --check is well again, also on one host that was allowed" t status --check

title "kill -9 while a push runs"
for who in a b w agent; do
  fresh "$who"
  t push --name "killed-$who" --idempotency-key "$who" "$work/big" >"$work/push.out" 2>"$work/push.err" &
  push=$!
  sleep 0.4
  lab_kill "$who"
  if [ "$who" = agent ]; then
    code=0
    wait "$push" || code=$?
    expect "$who: the push exits 75, or had exited 0: $code" [ $((code * (code - 75))) -eq 0 ]
    lab_start agent
    expect "$who: a retry works" t push --name "killed-$who" --idempotency-key "$who" "$work/big"
  else
    sleep 1
    lab_start "$who"
    expect "$who: the push exits 0" wait "$push"
  fi
  expect "$who: it restores" restore_equals "killed-$who" "$work/big"
done
fresh cli
"$bin" push --name "killed-cli" "$work/big" >/dev/null 2>&1 &
push=$!
sleep 0.2
kill -9 "$push"
wait "$push" 2>/dev/null || true
idle() { [ "$(t status --json | jq .pushes_running)" -eq 0 ]; }
wait_for 20 "the agent gives the dead one's push up" idle
expect "the command: the agent gave its push up" t list
expect "the next push works" t push --name "killed-cli" "$work/big"
expect "it restores" restore_equals killed-cli "$work/big"

title "kill -9 of a restore"
"$bin" restore killed-cli -o "$work/half" >/dev/null 2>&1 &
restore=$!
sleep 0.1
kill -9 "$restore"
wait "$restore" 2>/dev/null || true
expect "nothing is at its place that is not whole" test ! -e "$work/half" -o "$(stat -c %s "$work/half" 2>/dev/null)" = 300000000
rm -f "$work/half"
restore_to_half() { t restore killed-cli -o "$work/half" >/dev/null 2>&1; }
# The agent writes on until it sees that nobody is there any more.
wait_for 20 "the next restore to that place" restore_to_half
expect "the next restore to that place" same "$work/half" "$work/big"
expect "no part file is left" [ ! -e "$work/half.tidemark-part" ]
rm -f "$work/half"

title "Ctrl-C"
# A background job of a script would ignore the signal.
interrupt() { # TITLE ARGUMENT...
  local title=$1 code=0 pid
  shift
  env --default-signal=INT "$bin" "$@" <&3 >"$work/row.out" 2>"$work/row.err" &
  pid=$!
  sleep 0.3
  kill -INT "$pid" || true
  wait "$pid" || code=$?
  expect "$title: exits 130" [ "$code" -eq 130 ]
  expect "$title: says so" grep -qi interrupted "$work/row.err"
  nothing_left "$title"
}
versions=$(t list --json | jq length)
mkfifo "$work/endless"
sleep 1000 >"$work/endless" &
writer=$!
exec 3<"$work/endless"
fresh interrupted
interrupt "push of a stream" push --name endless -
lab_kill b
interrupt "push that waits" push --name waits "$work/big"
lab_start b
interrupt "restore" restore killed-cli -o "$out/x"
kill "$writer"
wait_for 20 "the agent gives them up" idle
expect "none of them made a version" [ "$(t list --json | jq length)" -eq "$versions" ]
expect "verify --deep" t verify --deep
done_with_table
