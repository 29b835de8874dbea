#!/usr/bin/env bash
# A second version of a real tar with a few per cent changed sends close to the changed bytes only.
# A3_BYTES: about how many bytes of real files (default 400 MB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A3 "a changed version sends its changes"

bytes=${A3_BYTES:-400000000}
tree=$work/tree
mkdir "$tree"

title "a tree of real files, and a tar of it"
find /usr/lib /usr/share /usr/include -xdev -type f -size +0 -size -8M -readable \
  -printf '%s\t%p\n' 2>/dev/null | LC_ALL=C sort -k 2 |
  awk -F '\t' -v most="$bytes" '{ print $2; picked += $1 } picked >= most { exit }' |
  tar -c -P -T - 2>/dev/null | tar -x -C "$tree" 2>/dev/null || true
pack() { tar -c --sort=name --mtime=@0 --owner=0 --group=0 -C "$tree" . >"$1"; }
files=$(find "$tree" -type f | wc -l)
[ "$files" -ge 100 ] || fail "only $files files could be copied from /usr"
pack "$work/v1.tar"
ok "$files files, a tar of $(mib "$(stat -c %s "$work/v1.tar")")"

title "a few per cent of its bytes change"
# Whole files get other bytes and another length; one file comes in at the front; one is cut short.
changed=0
count=0
while IFS=$'\t' read -r size path; do
  [ "$changed" -lt $((bytes / 33)) ] || break
  random $((size + 777)) "A3-$count" >"$path"
  changed=$((changed + size + 777))
  count=$((count + 1))
done < <(find "$tree" -type f -size +128k -printf '%s\t%p\n' | LC_ALL=C sort -k 2 | awk 'NR % 7 == 3')
printf 'a new file at the very front' >"$tree/.first"
pack "$work/v2.tar"
ok "$count files replaced: $changed bytes, $(calculate "100 * $changed / $bytes") %; everything behind the front has moved"

lab_up lab
title "push both"
t push --name tree "$work/v1.tar" --json >"$work/1.json"
t push --name tree "$work/v2.tar" --json >"$work/2.json"
jq -c '{version, source_bytes, new_bytes, stored_bytes, chunks, new_chunks}' "$work/1.json" "$work/2.json"
new=$(jq .new_bytes "$work/2.json")
say "changed $changed, new $new ($(calculate "$new / $changed") x), stored $(jq .stored_bytes "$work/2.json")"
check "new_bytes are at least the changed bytes" "$new" -ge "$changed"
# Each changed place also costs the rest of the chunk that it begins in, and behind it what stands
# before the cuts meet again. A place falls into a long chunk more often than into a short one, so
# that is more than an average each: measured 2.4 of them for both.
check "and at most these and the edges of the changed places" "$new" -le $((changed + count * 3 * 98304 + 1048576))
check "stored_bytes are less than a tenth of the archive" "$(jq .stored_bytes "$work/2.json")" -lt \
  $(($(stat -c %s "$work/v2.tar") / 10))

title "both come back"
restore_equals tree@1 "$work/v1.tar"
restore_equals tree@2 "$work/v2.tar" --from b
ok "identical"
shown
