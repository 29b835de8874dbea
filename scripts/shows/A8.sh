#!/usr/bin/env bash
# A file of a repeated marker leaves no hit of the marker or its name at any site or at the agent.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A8 "sites and agent store no plaintext"

marker=TIDEMARKER-$(random 12 "$(date +%s%N)" | od -An -tx1 | tr -d ' \n')
name=NAME-$(random 12 "$(date +%s%N)" | od -An -tx1 | tr -d ' \n')
for ((i = 0; i < 200000; ++i)); do printf '%s\n' "$marker"; done >"$work/$name"
ok "$(mib "$(stat -c %s "$work/$name")") of the marker $marker in a file $name"

hits() { { grep -rlaF "$1" "$lab/a" "$lab/b" "$lab/w" "$lab/agent" || true; } | wc -l; }
no_trace() {
  local what
  for what in "$marker" "$name" "${marker:3:20}"; do
    if [ "$(hits "$what")" -ne 0 ]; then
      grep -rlaF "$what" "$lab/a" "$lab/b" "$lab/w" "$lab/agent" || true
      fail "$1: $(hits "$what") files hold '$what'"
    fi
  done
  ok "$1: 0 hits of marker and name in $(find "$lab" -type f | wc -l) files"
}

lab_up lab
title "does the search find what is there?"
printf 'x%s%s' "$marker" "$name" >"$lab/w/planted"
check "hits of a planted marker" "$(hits "$marker")" -eq 1
rm "$lab/w/planted"

title "compression on, and off; file and stream; restore, list, verify"
t push --wait all "$work/$name" --json >"$work/on.json"
# Another vault-wide dedup hit would store nothing: the second file is another one of the same marker.
sed 's/^/-/' "$work/$name" >"$work/$name-plain"
t push --wait all --no-compression "$work/$name-plain" --json >"$work/off.json"
t push --wait all --name "$name-stream" --idempotency-key "$name" - < <(sed 's/^/=/' "$work/$name") >/dev/null
check "compressed, stored bytes" "$(jq .stored_bytes "$work/on.json")" -lt 2000000
check "not compressed, new bytes stored as they are" "$(jq '.stored_bytes >= .new_bytes' "$work/off.json" | grep -c true)" -eq 1
restore_equals "$name" "$work/$name" --from a
restore_equals "$name-plain" "$work/$name-plain" --from w
t list >"$work/list"
grep -q "$name" "$work/list" || fail "list does not show the name"
t verify --deep >/dev/null
code=0
t push --name "$name" "$work/missing-$name" 2>/dev/null || code=$?
check "a failed push of that name exits" "$code" -eq 66
no_trace "while all runs"
lab_kill agent
lab_start agent
t push --wait all "$work/$name" >/dev/null
no_trace "after a kill of the agent and another version"
lab_down
no_trace "after a stop"
shown
