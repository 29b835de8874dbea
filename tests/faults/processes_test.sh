#!/usr/bin/env bash
# Two of what there may be one of: ports, stores, state directories, agents of a vault.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table processes "one of each: exit codes and messages"

random 3000000 processes >"$work/file"
lab_up lab
t push --wait all --name archive "$work/file" >/dev/null
set_to() { sed -i -E "s|^$2 = .*|$2 = \"$3\"|" "$1"; }
site_run() { refused site run --config "$1"; }

title "ports"
listen=$(setting "$lab/a/site.toml" listen)
data_listen=$(setting "$lab/a/site.toml" data_listen)
t setup site --ca "$lab/ca" --name c --role primary --out "$work/c" --store "$work/c/store" \
  --listen "$listen" --data-listen 127.0.0.1:0 >/dev/null 2>&1 ||
  t setup site --ca "$lab/ca" --name c --role primary --out "$work/c" --store "$work/c/store" \
    --listen "$listen" --data-listen "$data_listen" >/dev/null
plain_row "control port in use" 73 "$listen.*in use" site_run "$work/c/site.toml"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
set_to "$work/c/site.toml" listen "127.0.0.1:$(free_port)"
set_to "$work/c/site.toml" data_listen "$data_listen"
plain_row "data port in use" 73 "$data_listen.*in use" site_run "$work/c/site.toml"

title "stores"
cp "$lab/a/site.toml" "$lab/a/twin.toml"
set_to "$lab/a/twin.toml" listen "127.0.0.1:$(free_port)"
set_to "$lab/a/twin.toml" data_listen "127.0.0.1:$(free_port)"
plain_row "two processes on one store" 73 "$lab/a/store: another process" site_run "$lab/a/twin.toml"
set_to "$work/c/site.toml" data_listen "127.0.0.1:$(free_port)"
mkdir "$work/not-a-store"
echo precious >"$work/not-a-store/thing"
set_to "$work/c/site.toml" store "$work/not-a-store"
plain_row "a directory of something else as store" 73 "not a store" site_run "$work/c/site.toml"
expect "it is as it was" [ "$(ls -A "$work/not-a-store")" = thing ]
lab_stop b
set_to "$work/c/site.toml" store "$lab/b/store"
plain_row "store of another site" 73 "belongs to site b" site_run "$work/c/site.toml"
cp "$lab/b/site.toml" "$lab/b/witness.toml"
sed -i 's/^role = "primary"/role = "witness"/' "$lab/b/witness.toml"
plain_row "store of another role" 78 "belongs to a primary" site_run "$lab/b/witness.toml"
rm "$lab/b/witness.toml" "$lab/a/twin.toml"
lab_start b

title "agents"
plain_row "two agents on one state directory" 73 "another agent uses $lab/agent" \
  refused agent run --config "$lab/agent/agent.toml"
cp -r "$lab/agent" "$work/second"
rm -rf "$work/second/index" "$work/second/lock" "$work/second/log"
set_to "$work/second/agent.toml" state "$work/second"
plain_row "two agents on one socket" 73 "$TIDEMARK_SOCKET" refused agent run --config "$work/second/agent.toml"
expect "the first one serves on" t list

title "two agents on one vault: the older one is fenced"
set_to "$work/second/agent.toml" socket "$work/second.sock"
"$bin" agent run --config "$work/second/agent.toml" >"$work/second.log" 2>&1 &
second=$!
second() { t "$@" --socket "$work/second.sock"; }
second_is_open() { second status --json 2>/dev/null | jq -e '.vaults[0].state == "open"' >/dev/null; }
wait_for 30 "the second agent has taken over" second_is_open
row "push to the older one" 75 "epoch|another agent|fenced" t push --timeout 20s "$work/file"
t status --json >"$work/status.json"
expect "its status says so" jq -e '.health.status == "error" and any(.health.codes[]; .code | test("FENCED"))' "$work/status.json"
expect "push to the newer one" second push --name newer "$work/file"
second restore archive -o "$work/back" >/dev/null
expect "the newer one restores what the older one pushed" cmp -s "$work/back" "$work/file"
rm "$work/back"
kill "$second"
wait "$second" || true
lab_stop agent
lab_start agent
expect "restarted, the first one takes over again" t push --name again "$work/file"
expect "and knows all" [ "$(t list --json | jq '[.[].archive] | unique == ["again", "archive", "newer"]')" = true ]
done_with_table
