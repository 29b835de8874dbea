#!/usr/bin/env bash
# The index is deleted while stopped, only one site is alive: the next version still sends little.
# A6_BYTES: of the archive (default 256 MiB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A6 "the index is a cache"

bytes=${A6_BYTES:-268435456}
random "$bytes" A6 >"$work/archive"
lab_up lab
t push --wait all "$work/archive" --json >"$work/1.json"
ok "version 1: $(jq -c '{source_bytes, new_bytes, stored_bytes}' "$work/1.json")"
version=1
is_listed() { t list archive --json 2>/dev/null | jq -e --argjson v "$1" 'any(.version == $v)' >/dev/null; }

for only in w a b; do
  title "only $only is alive, and the index is gone"
  for site in a b w; do wait_for 60 "site $site is level" site_is_level "$site"; done
  lab_down
  [ -d "$lab/agent/index" ] || fail "there is no $lab/agent/index"
  rm -rf "$lab/agent/index"
  lab_start "$only"
  lab_start agent
  wait_for 60 "the agent knows the archive from $only alone" is_listed "$version"
  restore_equals "archive@$version" "$work/archive"
  ok "list and restore work with $only alone"
  # A small change in the middle, so that it is not simply the same file.
  printf 'version after %s' "$only" |
    dd of="$work/archive" bs=1 seek=$((bytes / 3 + version * 1000000)) conv=notrunc status=none
  t push "$work/archive" --json >"$work/push.json" 2>"$work/push.err" &
  push=$!
  wait_for 30 "the push waits for a primary" file_says "$work/push.err" 'waiting for primary'
  for site in a b w; do lab_start "$site"; done
  wait "$push" || fail "the push exited $?: $(cat "$work/push.err")"
  version=$(jq .version "$work/push.json")
  say "version $version: $(jq -c '{source_bytes, new_bytes, stored_bytes}' "$work/push.json")"
  check "new_bytes" "$(jq .new_bytes "$work/push.json")" -le $((3 * 262144))
  check "stored_bytes, at most a hundredth" "$(jq .stored_bytes "$work/push.json")" -le $((bytes / 100 + 1048576))
  restore_equals "archive@$version" "$work/archive"
done
shown
