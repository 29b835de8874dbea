#!/usr/bin/env bash
# ack = "quorum": two of three sites commit while a primary is late; a site that was away gives up what only it held.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table quorum "any two of three sites"

small() { random 3000000 "quorum-$1" >"$work/$1"; }
for name in strict quorum after ghost without-a last; do small "$name"; done
push() { t push --json --name "$1" "${@:2}" "$work/$1"; }
mode_is() { [ "$(vault_is .ack_mode)" = "$1" ]; }
vault_is_open() { [ "$(vault_is .state)" = open ]; }

lab_up lab
lab_stop agent
sed -i 's/^ack = .*/ack = "quorum"/; s/^quorum_after_seconds = .*/quorum_after_seconds = 1/' "$lab/agent/agent.toml"
expect "the configuration is right" t config check "$lab/agent/agent.toml"
lab_start agent

title "both primaries are there: strict"
expect "a push says strict" [ "$(push strict --wait all | jq -r .ack_mode)" = strict ]

title "a primary is away"
lab_kill b
expect "a push is committed, and says quorum" [ "$(push quorum | jq -r .ack_mode)" = quorum ]
expect "status shows it" [ "$(t status --json | jq -r '[.health.codes[].code] | index("ACK_QUORUM") != null')" = true ]
for site in a w; do
  wait_for 20 "$site is level" site_is_level "$site"
  expect "it restores from $site" restore_equals quorum "$work/quorum" --from "$site"
done
lab_start b
wait_for 30 "both primaries are waited for again" mode_is strict
expect "a push says strict again" [ "$(push after --wait all | jq -r .ack_mode)" = strict ]
expect "b gives what it had missed" restore_equals quorum "$work/quorum" --from b

title "what only one site holds is not committed, and is given up"
lab_kill b
lab_kill w
row "push --timeout 3s with a alone" 75 "b: " push ghost --timeout 3s
lab_kill agent
lab_kill a
lab_start b
lab_start w
lab_start agent
wait_for 30 "the vault opens with b and w" vault_is_open
expect "a push is committed" [ "$(push without-a | jq -r .ack_mode)" = quorum ]
lab_start a
wait_for 30 "a is level" site_is_level a
expect "a kept aside what it gave up" [ -n "$(find "$lab/a" -name "*.aside")" ]
wait_for 30 "strict again" mode_is strict
expect "a push" [ "$(push last --wait all | jq -r .ack_mode)" = strict ]
for site in a b w; do
  for name in strict quorum after without-a last; do
    expect "$name from $site" restore_equals "$name" "$work/$name" --from "$site"
  done
done
row "the archive that was not committed is not there" 66 "ghost" t restore ghost -o "$out/x"
expect "verify --deep" t verify --deep
done_with_table
