#!/usr/bin/env bash
# Bits that flip at a site, files that go missing there: found, named, read around; nothing wrong is given out.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table damage "damage at a site"

random 30000000 damage >"$work/file"
lab_up lab
t push --wait all --name archive "$work/file" >/dev/null
records() { python3 "$root/scripts/shows/log_records.py" "$lab/$1/store" | sort -n; }

title "a flipped bit in a pack"
records a >"$work/records"
read -r sequence _ path offset _ < <(awk '$2 == 1 && $5 > 1000000' "$work/records" | sed -n 2p)
damage "$path" $((offset + 3 * 65536 + 77))
row "restore --from a" 65 "archive.*record $sequence.*block 3|archive.*block 3.*record $sequence" \
  t restore archive --from a -o "$out/x"
plain_row "restore --from a, to a pipe" 65 "archive" t restore archive --from a -o -
expect "what came before is right" cmp -s -n "$(stat -c %s "$work/row.out")" "$work/row.out" "$work/file"
expect "the default restore reads around it" restore_equals archive "$work/file"
expect "so does the kit's" restore_equals archive "$work/file" --kit "$TIDEMARK_KIT"
code=0
t verify --deep --json >"$work/verify.json" 2>/dev/null || code=$?
expect "verify --deep exits 65" [ "$code" -eq 65 ]
expect "and names it" grep -q "record $sequence block 3" "$work/verify.json"

title "a flipped bit in a stopped site's acknowledged record"
lab_stop b
records b >"$work/records"
read -r sequence _ path offset _ < <(awk '$2 == 1' "$work/records" | tail -n 1)
damage "$path" $((offset - 4096 + 120))   # in the head of the last pack
lab_start b || true
damaged() { [ "$(site_is b .state)" = damaged ]; }
wait_for 20 "status: b is damaged" damaged
t status --json >"$work/status.json"
expect "status says so, and what to do" jq -e 'any(.health.codes[]; .code == "SITE_DAMAGED" and .hint != null)' "$work/status.json"
row "a push waits for it" 75 "primary b|site b" t push --timeout 3s --name other "$work/file"
expect "the default restore is right" restore_equals archive "$work/file"
damage "$path" $((offset - 4096 + 120))
lab_kill b
lab_start b
wait_for 30 "b is level again" site_is_level b
expect "the bit back: pushes go on" t push --name other "$work/file"

title "a log file that is gone"
lab_stop w
find "$lab/w/store" -name 'log-*' -exec mv {} "$work/" \;
lab_start w || true
damaged_w() { [ "$(site_is w .state)" = damaged ]; }
wait_for 20 "status: w is damaged, not simply empty" damaged_w
expect "pushes do not need the witness" t push --name third "$work/file"
expect "the default restore is right" restore_equals archive "$work/file"
done_with_table
