#!/usr/bin/env bash
# no log, metric, alert or page holds a marker planted in contents, names or keys; logs are bounded
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D9 "nothing leaks to operators' tools"
marker=XYZZY-$RANDOM-MARKER

python3 "$root/scripts/shows/receiver.py" "$work/heard" "$work/ports" &
wait_for 10 "the receiver listens" test -s "$work/ports"
read -r web _ <"$work/ports"
lab_up lab
lab_stop agent
printf '%s' "$marker-secret" >"$work/secret"
cat >>"$lab/agent/agent.toml" <<END

[sla]
raise_after_seconds = 1
clear_after_seconds = 2

[[alerts]]
name = "x"
url = "http://127.0.0.1:$web/$marker-url"
secret_file = "$work/secret"
END
sed -i 's/^level = .*/level = "debug"/' "$lab"/*/*.toml
lab_start agent

title "the marker in contents, names, idempotency keys, paths and what is refused"
for i in 1 2 3; do
  { echo "$marker"; random 3000000 "D9$i"; echo "$marker"; } >"$work/$marker-$i"
  t push --name "$marker-$i" --idempotency-key "$marker-key-$i" "$work/$marker-$i" >/dev/null
done
t restore "$marker-1" -o "$work/back" >/dev/null
if t restore "$marker-none" -o "$work/none" 2>/dev/null; then fail "what is not there was restored"; fi
if t push --name "$marker-missing" "$work/$marker-missing" 2>/dev/null; then fail "what is not there was pushed"; fi
t verify >/dev/null
lab_kill w
wait_for 20 "an alert comes" test -s "$work/heard"
( dd if=/dev/zero bs=1M count=64 2>/dev/null; echo "$marker" ) | timeout 20 "$bin" push --name "$marker-stream" - >/dev/null 2>&1 || true
lab_kill agent
lab_start agent
lab_start w
sleep 3

title "what operators' tools see"
: >"$work/seen"
for page in / status metrics network-metrics history healthz readyz version; do
  curl -s "$TIDEMARK_STATUS_URL/$page" >>"$work/seen"
done
t status >>"$work/seen"
t status --json >>"$work/seen"
t status --check >>"$work/seen" || true
jq -r '.raw, (.headers | tostring)' "$work/heard" >>"$work/seen"
cat "$lab"/*/log "$lab"/agent/{alerts,usage,days,incidents}.json >>"$work/seen" 2>/dev/null || true
check "bytes that were searched" "$(stat -c %s "$work/seen")" -ge 20000
if grep -n "$marker" "$work/seen" | head -n 3; then fail "the marker leaked"; fi
for key in "$lab"/agent/*.key; do
  grep -v -- ----- "$key" | head -n 1 | cut -c 1-24 >"$work/key"
  if grep -qFf "$work/key" "$work/seen"; then fail "a piece of $(basename "$key") leaked"; fi
done
t list | grep -q "$marker-1" || fail "the marker was not there to leak"
ok "not in any log, metric, alert, page or book"

title "a log is bounded"
before=$(wc -c <"$lab/agent/log")
began=$(now)
for i in $(seq "${D9_PUSHES:-60}"); do t push --name "many-$i" "$work/$marker-1" >/dev/null; done
grown=$(($(wc -c <"$lab/agent/log") - before))
say "$(since "$began") s of ${D9_PUSHES:-60} pushes at debug level: $grown bytes; the bound is 1 line a second of 1000 bytes: 86 MB a day"
check "bytes a push" $((grown / ${D9_PUSHES:-60})) -le 400
shown
