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
  : >"$work/body"
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
answers 431 "a header of 100000 bytes" "${right[@]}" -H @<(printf 'X-Big: '; cat "$work/big") "$u/status"

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

title "with TLS and client certificates"
# authority NAME; certificate AUTHORITY NAME EXTENSION [DAYS]
authority() {
  openssl req -x509 -newkey ed25519 -nodes -days 2 -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}
certificate() {
  openssl req -newkey ed25519 -nodes -subj "/CN=$2" -keyout "$work/$2.key" -out "$work/$2.csr" 2>/dev/null
  openssl x509 -req -in "$work/$2.csr" -CA "$work/$1.pem" -CAkey "$work/$1.key" -CAcreateserial -days "${4:-2}" \
    -extfile <(printf '%s\n' "$3") -out "$work/$2.pem" 2>/dev/null
}
for each in servers clients strangers; do authority $each; done
certificate servers page 'subjectAltName = IP:127.0.0.1'
certificate clients noc 'extendedKeyUsage = clientAuth'
certificate clients past 'extendedKeyUsage = clientAuth' -1
certificate strangers stranger 'extendedKeyUsage = clientAuth'
certificate servers colleague 'extendedKeyUsage = clientAuth'
lab_stop agent
sed -i "s|^token_file = .*|certificate = \"$work/page.pem\"\nprivate_key = \"$work/page.key\"\nclient_authority = \"$work/clients.pem\"|" \
  "$lab/agent/agent.toml"
lab_start agent
s=$(t status --json | jq -r .status_url)
[[ $s = https://* ]] || fail "the page's address is not https: $s"
with() { printf '%s\n' --cert "$work/$1.pem" --key "$work/$1.key"; }
mapfile -t noc < <(with noc)
trusting=(--cacert "$work/servers.pem")
for page in / /status /metrics /healthz; do answers 200 "a client's certificate, $page" "${trusting[@]}" "${noc[@]}" "$s$page"; done
answers 404 "and no such page" "${trusting[@]}" "${noc[@]}" "$s/no"
answers 405 "POST" -X POST "${trusting[@]}" "${noc[@]}" "$s/status"
answers 413 "a body" -X GET --data-binary "@$work/big" "${trusting[@]}" "${noc[@]}" "$s/status"
answers 000 "no certificate: not even the empty page" "${trusting[@]}" "$s/"
for who in stranger past colleague; do
  mapfile -t wrong < <(with $who)
  answers 000 "a certificate of '$who'" "${trusting[@]}" "${wrong[@]}" "$s/status"
  [ ! -s "$work/body" ] || fail "$who reads something: $(head -c 100 "$work/body")"
done
answers 000 "plain HTTP" "${s/https/http}/status"
answers 000 "TLS 1.1" --tls-max 1.1 "${trusting[@]}" "${noc[@]}" "$s/status"
answers 000 "a reader who trusts another authority" --cacert "$work/strangers.pem" "${noc[@]}" "$s/status"
python3 -c '
import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(40)]
for s in held[:20]:
    s.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
print("held", flush=True)
time.sleep(60)' "${s##*:}" >"$work/held" &
holding=$!
wait_for 10 "forty connections that never shake hands" test -s "$work/held"
wait_for 30 "it answers beside them" curl -sf --max-time 20 "${trusting[@]}" "${noc[@]}" -o /dev/null "$s/status"
kill "$holding"
ok "it answers beside forty connections that never shake hands"
t push --name three "$work/file" >/dev/null
ok "and pushes go on"

title "a certificate that does not fit its key: the port says so, and replication goes on"
lab_stop agent
sed -i "s|^private_key = \"$work/page.key\"|private_key = \"$work/noc.key\"|" "$lab/agent/agent.toml"
"$bin" agent run --config "$lab/agent/agent.toml" >>"$lab/agent/log" 2>&1 &
echo $! >"$lab/agent/pid"
tells() { t status --json 2>/dev/null | jq -e '.status_trouble != null and any(.health.codes[]; .code == "STATUS_PORT")' >/dev/null; }
wait_for 30 "status names it" tells
ok "$(t status --json | jq -r .status_trouble | sed "s|$work/||g")"
t push --timeout 30s --name four "$work/file" >/dev/null || fail "a port that is not there stops pushes"
shown
