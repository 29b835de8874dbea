#!/usr/bin/env bash
# Flipped bits at a site: asked for alone it exits 65 and names archive and block; the default restore is right.
# A11_BYTES: of the archive (default 64 MiB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A11 "flipped bits"

bytes=${A11_BYTES:-67108864}
random "$bytes" A11 >"$work/archive"
lab_up lab

byte_at() { od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' '; }
rot() { # one bit of the byte at PATH BAD_AT, unless it is that already
  printf '%b' "\\x$(printf '%02x' $((right ^ 16)))" |
    dd of="$path" bs=1 seek="$bad_at" conv=notrunc,fsync status=none
}
is_healed() { [ "$(byte_at "$path" "$bad_at")" = "$right" ]; }

t push --wait all "$work/archive" --json >"$work/push.json"
for site in a b w; do
  title "one bit at site $site"
  restore_equals archive "$work/archive" --from "$site"
  python3 "$root/scripts/shows/log_records.py" "$lab/$site/store" | sort -n >"$work/records"
  # A pack in the middle of the archive; in it the 7th block.
  read -r sequence _ path offset payload < <(awk '$2 == 1 && $5 > 2000000' "$work/records" |
    sed -n "$((3 + ${#site} + $(printf '%d' "'$site") % 4))p")
  bad_at=$((offset + 6 * 65536 + 1234))
  right=$(byte_at "$path" "$bad_at")
  rot
  ok "record $sequence of $payload bytes, block 6, in $(basename "$path")"
  code=0
  t restore archive --from "$site" -o "$work/out" >"$work/stdout" 2>"$work/stderr" || code=$?
  cat "$work/stderr"
  check "restore --from $site exits" "$code" -eq 65
  grep -q archive "$work/stderr" || fail "it does not name the archive"
  grep -qE "record $sequence\b.*block 6\b|block 6\b.*record $sequence\b" "$work/stderr" ||
    fail "it does not name record $sequence and block 6"
  ok "it names archive and block"
  if [ -e "$work/out" ] || [ -e "$work/out.tidemark-part" ]; then fail "it left something behind"; fi
  ok "it leaves nothing behind"
  wait_for 20 "the site heals what it was asked for" is_healed
  sleep 1   # reads that were under way have ended
  ok "the site heals it by itself"
  rot
  code=0
  t restore archive --from "$site" -o - >"$work/stream" 2>/dev/null || code=$?
  check "to a pipe it exits" "$code" -eq 65
  cmp -s -n "$(stat -c %s "$work/stream")" "$work/stream" "$work/archive" || fail "unverified bytes came out"
  ok "what came out of the pipe before, $(stat -c %s "$work/stream") bytes, is right"
  wait_for 20 "the site heals what it was asked for" is_healed
  sleep 1   # reads that were under way have ended
  rot
  code=0
  t restore archive --from "$site" -o - --json >"$work/stream" 2>"$work/stderr" || code=$?
  check "the same with --json" "$code" -eq 65
  wait_for 20 "the site heals what it was asked for" is_healed
  sleep 1   # reads that were under way have ended
  rot
  restore_equals archive "$work/archive"
  ok "the default restore reads around it"
  sleep 1   # if that read it, it is healed now
  rot
  t verify --deep --json >"$work/verify.json" 2>/dev/null || fail "verify --deep exits $?"
  jq -e --arg site "$site" --arg where "record $sequence block 6" \
    '.sites[] | select(.name == $site) | .state == "right" and .healed == 1 and any(.healed_places[]; contains($where))' \
    "$work/verify.json" >/dev/null || fail "verify does not name it: $(cat "$work/verify.json")"
  is_healed || fail "the byte is not what it was"
  ok "verify --deep names site, record and block, and has healed it"
  rot
done
title "every site has a bad block, each another one"
restore_equals archive "$work/archive"
ok "the default restore is right"
shown
