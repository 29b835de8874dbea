#!/usr/bin/env bash
# Any flipped byte of a store is found and healed; random damage at both primaries is put right from what is left.
# B3_BYTES: of the archive (default 512 MiB). B3_STRIDE: every how-many-th byte of a 1 MiB store is flipped (default 1:
# all of them). B3_TEST: the test that does that (default: build/release's).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin B3 "every flipped byte is found and healed"

bytes=${B3_BYTES:-536870912}
stride=${B3_STRIDE:-1}
share=0.1
need_free $((bytes * 5))

title "a store of 1 MiB, each byte flipped in turn, one in $stride"
test_binary=${B3_TEST:-}
if [ -z "$test_binary" ]; then
  build release scrub_test
  test_binary=$root/build/release/tests/agent/site/scrub_test
fi
begun=$(now)
SCRUB_STRIDE=$stride "$test_binary" --gtest_filter='*AFlipOfAnyByte' >"$work/flips" 2>&1 ||
  fail "not every flip was healed: $(tail -n 5 "$work/flips")"
ok "$(grep 'bytes flipped' "$work/flips"), in $(since "$begun") s"

title "random damage: a tenth of a's blocks and heads, another tenth of b's"
random "$bytes" B3 >"$work/archive"
lab_up lab
t push --wait all "$work/archive" >/dev/null
at_a=$(python3 "$root/scripts/shows/damage_store.py" "$lab/a/store" $share B3 0)
at_b=$(python3 "$root/scripts/shows/damage_store.py" "$lab/b/store" $share B3 1)
ok "$at_a places at a, $at_b others at b"
restore_equals archive "$work/archive"
ok "the default restore reads around all of it"
begun=$(now)
code=0
t verify --deep --json >"$work/verify.json" 2>"$work/notes" || code=$?
took=$(since "$begun")
check "verify --deep exits" "$code" -eq 0
of_site() { jq -r --arg site "$1" ".sites[] | select(.name == \$site) | $2" "$work/verify.json"; }
for site in a b; do
  ok "$site: $(of_site $site .found) places found, $(of_site $site .healed) healed there and then"
  wait_for 10 "status shows what was healed" eval "[ \"\$(site_is $site .scrub.blocks_healed)\" -ge $([ $site = a ] && echo "$at_a" || echo "$at_b") ]"
  check "status, $site: places healed" "$(site_is $site .scrub.blocks_healed)" -ge "$([ $site = a ] && echo "$at_a" || echo "$at_b")"
  check "status, $site: places bad" "$(site_is $site .scrub.blocks_bad)" -eq 0
done
check "places listed, of those found" "$(jq '[.sites[].healed_places | length] | add' "$work/verify.json")" -eq \
  "$(jq '[.sites[].found] | add' "$work/verify.json")"
check "versions checked" "$(jq .versions_checked "$work/verify.json")" -eq 1
ok "healed in $took s: $(calculate "($at_a + $at_b) / $took") places a second, re-reading included"

title "afterwards"
t verify --deep --json >"$work/verify.json" 2>/dev/null || fail "verify --deep exits $?"
check "verify --deep finds" "$(jq '[.sites[].found] | add' "$work/verify.json")" -eq 0
for site in a b w; do restore_equals archive "$work/archive" --from $site; done
ok "restores from each site alone are right"
for site in a b w; do
  t restore archive --kit "$TIDEMARK_KIT" --from $site -o "$work/out" >/dev/null
  same "$work/archive" "$work/out" "by the kit from $site"
  rm -f "$work/out"
done
ok "and by the kit, without the agent"

title "one block bad at all three: said, with archive and record"
python3 "$root/scripts/shows/log_records.py" "$lab/a/store" | sort -n >"$work/records"
read -r sequence _ _ offset _ < <(awk '$2 == 1 && $5 > 2000000' "$work/records" | sed -n 2p)
for site in a b w; do
  python3 "$root/scripts/shows/log_records.py" "$lab/$site/store" >"$work/places"
  read -r path offset < <(awk -v s="$sequence" '$1 == s { print $3, $4 }' "$work/places")
  head -c 100 /dev/urandom | dd of="$path" bs=1 seek=$((offset + 5 * 65536 + 999)) conv=notrunc,fsync status=none
done
code=0
t verify --deep --json >"$work/verify.json" 2>/dev/null || code=$?
check "verify --deep exits" "$code" -eq 65
jq -e --arg where "record $sequence block 5" \
  '(.sites | all(any(.bad[]; contains($where)))) and any(.bad[]; contains($where) and contains("archive@1"))' \
  "$work/verify.json" >/dev/null || fail "it does not name it: $(cat "$work/verify.json")"
ok "$(jq -r '.bad[0]' "$work/verify.json")"
wait_for 10 "status: error" eval '[ "$(t status --json | jq -r .health.status)" = error ]'
t status --json | jq -e 'any(.health.codes[]; .code == "SITE_BAD_BLOCKS")' >/dev/null || fail "status does not say so"
ok "status says SITE_BAD_BLOCKS"
shown
