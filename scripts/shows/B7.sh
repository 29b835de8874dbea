#!/usr/bin/env bash
# A primary comes back with yesterday's disk: it signs nothing, says so, and is repaired from the others.
# B7_BYTES: of each archive (default 32 MiB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin B7 "a disk that was rolled back"

bytes=${B7_BYTES:-33554432}
lab_up lab

push_file() { # NUMBER
  random "$bytes" "B7 $1" >"$work/file-$1"
  t push --name "file-$1" "$work/file-$1" >/dev/null
}
receipt_number() { # of the newest receipt that the agent keeps of a: behind mark, level, name, store and boot
  python3 - "$lab/agent/receipt-a" <<'END'
import struct, sys
data = open(sys.argv[1], "rb").read()
(name,) = struct.unpack_from("<H", data, 12)
print(struct.unpack_from("<Q", data, 14 + name + 32)[0])
END
}
says_rolled_back() {
  site_has_state a damaged && site_is a .last_error | grep -q "rolled back"
}
roll_back() {
  lab_stop a
  rm -rf "$lab/a/store"
  cp -a "$work/yesterday" "$lab/a/store"
}

push_file 1
wait_for 10 "a receipt of a is kept" test -s "$lab/agent/receipt-a"
lab_stop a
cp -a "$lab/a/store" "$work/yesterday"
lab_start a
push_file 2
push_file 3
wait_for 20 "all are level" site_is_level a
sleep 1.5   # the agent keeps receipts once a second
acknowledged=$(vault_is .committed_sequence)

title "a gets yesterday's disk, while nobody is there who could help"
before=$(receipt_number)
for site in b w; do lab_stop $site; done
roll_back
lab_start a
wait_for 20 "status says that a was rolled back" says_rolled_back
ok "status: a is damaged: $(site_is a .last_error | cut -c 1-150)"
sleep 2.5
check "a signed nothing since: its newest receipt is number" "$(receipt_number)" -eq "$before"
site_has_state a damaged || fail "it did not stay so"
t status --json | jq -e 'any(.health.codes[]; .code == "SITE_DAMAGED")' >/dev/null || fail "no health code says so"
code=0
t push --timeout 2s --name late "$work/file-1" 2>/dev/null >&2 || code=$?
check "a push waits for it, and gives up with" "$code" -eq 75

title "b comes back: a is repaired by itself"
begun=$(now)
lab_start b
wait_for 60 "a holds everything again" site_is_level a
ok "after $(since "$begun") s"
check "a holds record" "$(site_is a .durable_sequence)" -ge "$acknowledged"
for number in 1 2 3; do restore_equals "file-$number" "$work/file-$number" --from a; done
ok "every acknowledged archive, from a alone"
lab_start w
push_file 4
restore_equals file-4 "$work/file-4" --from a
ok "pushes go on"
wait_for 10 "a signs again" eval '[ "$(receipt_number)" -gt "$before" ]'

title "the same while the agent is down"
lab_kill agent
roll_back
lab_start a
lab_start agent || true
wait_for 60 "a holds everything again" site_is_level a
for number in 1 2 3 4; do restore_equals "file-$number" "$work/file-$number" --from a; done
ok "every acknowledged archive, from a alone"
push_file 5
ok "pushes go on"
wait_for 30 "the witness has it too" site_is_level w
t verify --deep >"$work/verify" 2>&1 || fail "verify --deep exits $?: $(cat "$work/verify")"
ok "verify --deep: everything is right"
shown
