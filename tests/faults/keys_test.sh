#!/usr/bin/env bash
# Keys, passphrases and certificates that are wrong, missing or damaged.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table keys "wrong keys: exit codes and messages"

random 1000000 keys >"$work/file"
lab_up lab
t push --wait all --name archive "$work/file" >/dev/null
cp -r "$lab/agent" "$work/agent"   # put back before each part
lab_stop agent

agent_run() { refused agent run --config "$lab/agent/agent.toml"; }
again() {
  rm -rf "$lab/agent"
  cp -r "$work/agent" "$lab/agent"
}
set_to() { sed -i -E "s|^$1 = .*|$1 = \"$2\"|" "$lab/agent/agent.toml"; }

title "the key file"
again
rm "$lab/agent/kek.key"
plain_row "missing key file, agent" 66 "kek.key: No such file" agent_run
row "missing key file, --config" 66 "kek.key: No such file" t list --config "$lab/agent/agent.toml"
echo garbage >"$lab/agent/kek.key"
plain_row "garbage as key file" 65 "kek.key" agent_run
again
damage "$lab/agent/kek.key" $(($(stat -c %s "$lab/agent/kek.key") - 20))
plain_row "damaged key file" 65 "kek.key" agent_run

title "the passphrase"
sites=()
for site in a b w; do
  role=$(setting "$lab/$site/site.toml" role)
  sites+=(--site "$site=$role=$(setting "$lab/$site/site.toml" listen)")
done
echo right >"$work/right"
echo wrong >"$work/wrong"
t setup agent --ca "$lab/ca" --name sealed "${sites[@]}" --state "$work/sealed" --socket "$work/sealed.sock" \
  --out "$work/sealed" --allow-same-host --passphrase-file "$work/right" >/dev/null
sealed=$work/sealed/agent.toml
expect "right passphrase" t keys status --config "$sealed"
sed -i "s|$work/right|$work/wrong|" "$sealed"
plain_row "wrong passphrase, agent" 77 "passphrase" refused agent run --config "$sealed"
row "wrong passphrase, --config" 77 "passphrase" t list --config "$sealed"
row "wrong passphrase, keys status" 77 "passphrase" t keys status --config "$sealed"
sed -i "s|$work/wrong|$work/none|" "$sealed"
plain_row "missing passphrase file" 66 "$work/none: No such file" refused agent run --config "$sealed"
sed -i '/^key_passphrase_file/d' "$sealed"
plain_row "no passphrase, no terminal" 77 "needs a passphrase" refused agent run --config "$sealed"

title "the keyring"
again
damage "$lab/agent/keyring-default" 200
plain_row "damaged keyring" 65 "keyring.*$lab/agent/keyring-default" agent_run
again
t setup agent --ca "$lab/ca" --name other "${sites[@]}" --state "$work/other" --socket "$work/other.sock" \
  --out "$work/other" --allow-same-host >/dev/null
cp "$work/other/kek.key" "$lab/agent/kek.key"
plain_row "the key of another vault" 77 "keyring" agent_run

title "certificates"
t setup ca "$work/ca2" >/dev/null
again
cp "$work/ca2/authority.pem" "$lab/agent/ca.pem"
plain_row "wrong CA, agent" 77 "agent.pem|certificate" agent_run
again
set_to certificate "$lab/a/site.pem"
set_to private_key "$lab/a/site.key"
plain_row "wrong role: a site's certificate, agent" 77 "certificate of site 'a', not of agent" agent_run
again
set_to certificate reader.pem
set_to private_key reader.key
plain_row "wrong role: the reader's certificate, agent" 77 "certificate of reader .*, not of agent" agent_run
again
set_to private_key reader.key
plain_row "somebody else's private key" 77 "" agent_run
again
lab_stop w
cp "$lab/w/site.toml" "$lab/w/other.toml"
sed -i -E "s|^certificate = .*|certificate = \"$lab/agent/agent.pem\"|; s|^private_key = .*|private_key = \"$lab/agent/agent.key\"|" "$lab/w/other.toml"
plain_row "wrong role: the agent's certificate, site" 77 "certificate of agent" refused site run --config "$lab/w/other.toml"
cp "$lab/w/site.toml" "$lab/w/other.toml"
sed -i -E "s|^authority = .*|authority = \"$work/ca2/authority.pem\"|" "$lab/w/other.toml"
plain_row "wrong CA, site" 77 "site.pem|certificate" refused site run --config "$lab/w/other.toml"
rm "$lab/w/other.toml"
lab_start w

title "an agent of another authority, over the wire"
for site in a b w; do
  role=$(setting "$lab/$site/site.toml" role)
  t setup site --ca "$work/ca2" --name "$site" --role "$role" --out "$work/copy-$site" --store "$work/copy-$site/store" \
    --listen 127.0.0.1:1 --data-listen 127.0.0.1:2 >/dev/null
done
t setup agent --ca "$work/ca2" --name stranger "${sites[@]}" --state "$work/stranger" \
  --socket "$work/stranger.sock" --out "$work/stranger" --allow-same-host >/dev/null
row "a kit of another authority" 77 "certificate|site" t list --kit "$work/stranger/recovery-kit.json"
"$bin" agent run --config "$work/stranger/agent.toml" >"$work/stranger.log" 2>&1 &
stranger=$!
wait_for 20 "the stranger serves" [ -S "$work/stranger.sock" ]
plain_row "a push of a stranger" 77 "site .: certificate signed by another CA" \
  t push --socket "$work/stranger.sock" --timeout 3s "$work/file"
kill "$stranger"
wait "$stranger" || true

again
lab_start agent
expect "the right agent finds all as it was" restore_equals archive "$work/file"
expect "and pushes" t push "$work/file"

title "a store that is older than the kit"
kit=$work/kit.json
lab_stop a
cp -r "$lab/a/store" "$work/older"
lab_start a
touch "$work/before"
expect "a push after it" t push --name archive "$work/file"
is_kept() { [ "$lab/agent/checkpoint-default" -nt "$work/before" ]; }
wait_for 20 "the agent keeps its checkpoint" is_kept
expect "a kit made now" t keys kit -o "$kit" --config "$lab/agent/agent.toml"
row "restore from the older store" 65 "older than the kit" \
  t restore archive -o "$out/file" --kit "$kit" --store "$work/older"
restore_older() { t restore archive -o "$work/older.out" --kit "$kit" --store "$work/older" --allow-older; }
expect "with --allow-older" restore_older
expect "it is what it was" same "$work/file" "$work/older.out"
expect "a site that is not older needs no such word" restore_equals archive "$work/file" --kit "$kit"
done_with_table
