#!/usr/bin/env bash
# A sparse file of 2.5 TB: two segments, holes neither read nor stored, each restorable alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A2 "a sparse archive of 2.5 TB with islands"

size=2500000000000
segment=2000000000000
file=$work/sparse
islands=()   # offset:bytes

title "the file"
truncate -s "$size" "$file" || fail "this file system has no files of 2.5 TB"
island() {
  random "$2" "A2-$1" | dd of="$file" bs=1M seek="$1" oflag=seek_bytes conv=notrunc status=none
  islands+=("$1:$2")
}
first_bytes=23000000   # islands of the first segment, not a whole number of packs
island 0 10000000
island 1000000000000 $((first_bytes - 10000000 - 600000))
island $((segment - 600000)) 1300000   # over the border
island 2200000000000 9000000
island $((size - 4096)) 4096
ok "$(stat -c 'size %s, on disk %b blocks of %B' "$file")"

lab_up lab
title "push"
before=$(vault_is .committed_sequence)
from=$(now)
t push "$file" --json >"$work/push.json"
took=$(since "$from")
jq -c . "$work/push.json"
holds "$took < 60" || fail "the push took $took s"
ok "took $took s"
field() { jq ".$1" "$work/push.json"; }
data=$(stat -c '%b' "$file")
check "source_bytes" "$(field source_bytes)" -eq "$size"
check "segments" "$(field segments)" -eq 2
check "data_bytes are not more than the file's blocks" "$(field data_bytes)" -le $((data * 512))
check "stored_bytes are little more than the data" "$(field stored_bytes)" -le $((data * 512 * 11 / 10 + 1048576))

title "each island by --offset --length; a hole reads as zeros"
range() { tail -c +$((${1} + 1)) "$file" | head -c "$2"; }
range_equals() {
  local offset=$1 bytes=$2
  shift 2
  range "$offset" "$bytes" >"$work/want" || true
  t restore sparse -o - --offset "$offset" --length "$bytes" "$@" >"$work/got" ||
    fail "restore of $bytes bytes at $offset $* exited $?"
  same "$work/want" "$work/got" "$bytes bytes at $offset $*"
}
for entry in "${islands[@]}"; do
  range_equals "${entry%:*}" "${entry#*:}"
  ok "${entry#*:} bytes at ${entry%:*}"
done
range_equals 1500000000000 1000000
range_equals 999999999000 2000
range_equals $((segment - 10)) 20
ok "a hole, the edge of an island, and the border between the segments"

title "the whole: sparse stays sparse"
t restore sparse -o "$work/back" >/dev/null
check "its size" "$(stat -c %s "$work/back")" -eq "$size"
check "its blocks on disk, at most" "$(stat -c %b "$work/back")" -le $((data + 2048))
for entry in "${islands[@]}"; do
  cmp -s -i "${entry%:*}" -n "${entry#*:}" "$file" "$work/back" || fail "island at ${entry%:*} differs"
done
ok "its islands are identical"
rm -f "$work/back"

title "the second segment restores while the first one's packs are missing"
cp -r --sparse=always "$lab/a/store" "$work/store"
punched=0
python3 "$root/scripts/shows/log_records.py" "$work/store" | sort -n >"$work/records"
while read -r sequence kind path offset payload; do
  if [ "$kind" -ne 1 ] || [ "$sequence" -le "$before" ]; then continue; fi
  if [ "$punched" -ge "$first_bytes" ]; then break; fi
  fallocate --punch-hole --offset "$offset" --length "$payload" "$path"
  punched=$((punched + payload))
done <"$work/records"
check "bytes of the first segment's packs taken out" "$punched" -ge "$first_bytes"
from_store=(--kit "$TIDEMARK_KIT" --store "$work/store")
range_equals "$segment" 700000 "${from_store[@]}"
range_equals 2200000000000 9000000 "${from_store[@]}"
range_equals $((size - 4096)) 4096 "${from_store[@]}"
ok "its islands are identical"
code=0
t restore sparse -o - --offset 0 --length 1000000 "${from_store[@]}" >"$work/got" 2>"$work/err" || code=$?
check "the first segment from there exits" "$code" -eq 65
shown
