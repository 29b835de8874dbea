#!/usr/bin/env bash
# wrong tokens, oversized and malformed requests get a clear refusal and change nothing
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D5 "the status port refuses clearly"

lab_up lab
random 1000000 D5 >"$work/file"
t push --name one "$work/file" >/dev/null

title "without a token only loopback may be listened on"
sed 's|^listen = "127.0.0.1:\([0-9]*\)"|listen = "0.0.0.0:\1"|' "$lab/agent/agent.toml" >"$work/open.toml"
if t config check --config "$work/open.toml" 2>"$work/err"; then fail "0.0.0.0 is taken without a token"; fi
grep -q 'not on loopback: set token_file' "$work/err" || fail "it does not say what to do: $(cat "$work/err")"
ok "$(sed 's/.*toml/toml/' "$work/err" | head -n 1)"

title "with a token"
lab_stop agent
printf 'correct horse\n' >"$work/token"
sed -i "s|^\[status\]|[status]\ntoken_file = \"$work/token\"|" "$lab/agent/agent.toml"
lab_start agent
state_before=$(t status --json | jq -Sc '{vaults: [.vaults[] | {committed_sequence, archives, epoch}], sites: [.sites[].durable_sequence]}')

# answers CODE WHAT CURL-ARGUMENT...
answers() {
  local code=$1 what=$2 got
  shift 2
  got=$(curl -s -o "$work/body" -w '%{http_code}' --max-time 8 "$@") || true
  [ "$got" = "$code" ] || fail "$what: $got instead of $code: $(head -c 200 "$work/body")"
  ok "$what: $got $(jq -r '.error.message // empty' "$work/body" 2>/dev/null | head -n 1)"
}
u=$TIDEMARK_STATUS_URL
right=(-H 'Authorization: Bearer correct horse')
for page in /status /metrics /network-metrics /healthz /readyz /history /version; do answers 401 "no token, $page" "$u$page"; done
answers 403 "a wrong token" -H 'Authorization: Bearer correct hors' "$u/status"
answers 403 "a longer one" -H 'Authorization: Bearer correct horse battery' "$u/status"
answers 403 "another scheme" -u 'correct:horse' "$u/status"
answers 401 "in the address" "$u/status?token=correct%20horse"
answers 200 "the right one" "${right[@]}" "$u/status"
answers 200 "the page, which holds no figure" "$u/"
answers 404 "no such page" "${right[@]}" "$u/../../etc/passwd"
answers 404 "not even encoded" --path-as-is "${right[@]}" "$u/%2e%2e/%2e%2e/etc/passwd"
for method in POST PUT DELETE PATCH OPTIONS; do answers 405 "$method" -X "$method" "${right[@]}" "$u/status"; done
head -c 100000 /dev/zero | tr '\0' x >"$work/big"
answers 413 "a body" -X GET --data-binary "@$work/big" "${right[@]}" "$u/status"
answers 414 "an address of 9000 bytes" "${right[@]}" "$u/$(head -c 9000 "$work/big")"
answers 400 "a header of 100000 bytes" "${right[@]}" -H @<(printf 'X-Big: '; cat "$work/big") "$u/status"

title "garbage, half requests, and connections that say nothing"
python3 - "${u##*:}" <<'END' || fail "the port does not survive it"
import os, random, socket, sys
random.seed(5)
port = int(sys.argv[1])
held = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
for i in range(200):
    s = socket.create_connection(("127.0.0.1", port))
    s.settimeout(8)
    s.sendall(random.choice([os.urandom(random.randrange(1, 3000)), b"GET /status HTTP/1.1\r\nHost:", b"GET\r\n\r\n", b"\x16\x03\x01" + os.urandom(200)]))
    s.close()
for s in held:
    s.close()
END
wait_for 15 "the port answers again" curl -sf --max-time 5 "${right[@]}" -o /dev/null "$u/status"
ok "it answers"
state_after=$(t status --json | jq -Sc '{vaults: [.vaults[] | {committed_sequence, archives, epoch}], sites: [.sites[].durable_sequence]}')
[ "$state_before" = "$state_after" ] || fail "something changed: $state_before, now $state_after"
ok "nothing changed: $state_after"
t push --name two "$work/file" >/dev/null
grep -q 'correct horse' "$lab/agent/log" && fail "the token is in the log"
ok "pushes go on, and the token is in no log"
shown
