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
plain_row "restore --from a" 65 "archive.*record $sequence.*block 3|archive.*block 3.*record $sequence" \
  t restore archive --from a -o "$out/x"
healed() { [ "$(site_is a .scrub.blocks_healed)" -ge "$1" ]; }
wait_for 20 "a heals what it was asked for" healed 1
sleep 1   # reads that were under way have ended
damage "$path" $((offset + 3 * 65536 + 77))
plain_row "restore --from a, to a pipe" 65 "archive" t restore archive --from a -o -
wait_for 20 "a heals what it was asked for" healed 2
sleep 1   # reads that were under way have ended
damage "$path" $((offset + 3 * 65536 + 77))
expect "what came before is right" cmp -s -n "$(stat -c %s "$work/row.out")" "$work/row.out" "$work/file"
expect "the default restore reads around it" restore_equals archive "$work/file"
expect "so does the kit's" restore_equals archive "$work/file" --kit "$TIDEMARK_KIT"
sleep 1   # if those read it, it is healed by now
if healed 3; then damage "$path" $((offset + 3 * 65536 + 77)); fi
code=0
t verify --deep --json >"$work/verify.json" 2>/dev/null || code=$?
expect "verify --deep exits 0: everything is right at its end" [ "$code" -eq 0 ]
expect "and says what was healed" jq -e --arg where "record $sequence block 3" \
  '.sites[] | select(.name == "a") | any(.healed_places[]; contains($where))' "$work/verify.json"
expect "restore --from a is right again" restore_equals archive "$work/file" --from a

title "a flipped bit in a stopped site's acknowledged record, while nobody can heal it"
lab_stop b
records b >"$work/records"
read -r sequence _ path offset _ < <(awk '$2 == 1' "$work/records" | tail -n 1)
damage "$path" $((offset - 4096 + 120))   # in the head of the last pack
lab_stop a
lab_stop w
lab_start b || true
damaged() { [ "$(site_is b .state)" = damaged ]; }
wait_for 20 "status: b is damaged" damaged
t status --json >"$work/status.json"
expect "status says so, and what to do" jq -e 'any(.health.codes[]; .code == "SITE_DAMAGED" and .hint != null)' "$work/status.json"
row "a push waits for it" 75 "primary b|site b" t push --timeout 3s --name other "$work/file"
lab_start a
lab_start w
wait_for 30 "b is repaired by itself once another site is back" site_is_level b
expect "pushes go on" t push --name other "$work/file"
expect "restore --from b is right" restore_equals archive "$work/file" --from b

title "a log file that is gone"
lab_stop w
find "$lab/w/store" -name 'log-*' -exec mv {} "$work/" \;
lab_start w || true
wait_for 30 "w is repaired by itself" site_is_level w
expect "restore --from w is right" restore_equals archive "$work/file" --from w
expect "pushes do not need the witness" t push --name third "$work/file"

title "a store that is gone"
lab_stop w
rm -rf "$lab/w/store"
lab_start w || true
new_store() { site_is w .last_error | grep -q "site replace w"; }
wait_for 20 "status: w shows another store" new_store
row "site replace of a site that is there" 78 "shows no new store" t site replace a
row "site replace of no site" 66 "no site named" t site replace x
expect "site replace w" t site replace w
wait_for 30 "w is filled again" site_is_level w
expect "restore --from w is right" restore_equals archive "$work/file" --from w
done_with_table
