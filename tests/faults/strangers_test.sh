#!/usr/bin/env bash
# Garbage and giant lengths on either port of a site: it stays up, others are not affected.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table strangers "garbage on the ports"

random 150000000 strangers >"$work/file"
lab_up lab
pid=$(pid_of a)
control=$(setting "$lab/a/site.toml" listen)
data=$(setting "$lab/a/site.toml" data_listen)
memory() { awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status"; }
t push --name before "$work/file" >/dev/null
before=$(memory)

cat >"$work/stranger.py" <<'END'
"""Sends bytes to a port, then waits until the other side hangs up: prints how it ended."""
import os
import socket
import sys

address, what = sys.argv[1], sys.argv[2]
host, port = address.rsplit(":", 1)
messages = {
    "garbage": os.urandom(3000000),
    "ones": b"\xff" * 3000000,
    "nothing": b"",
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    # A TLS record that says it is 64 KiB long; a client hello that says it is 16 MiB long.
    "giant-record": b"\x16\x03\x01\xff\xff" + b"\x01\xff\xff\xff" + os.urandom(60000),
    "giant-hello": b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff\x03\x03" + os.urandom(16378),
}
peer = socket.create_connection((host, int(port)), timeout=40)
try:
    peer.sendall(messages[what])
    if what != "nothing":
        peer.shutdown(socket.SHUT_WR)
    while peer.recv(65536):
        pass
except TimeoutError:
    sys.exit(1)
except OSError:
    pass
print("hung up")
END
hangs_up() { [ "$(timeout 60 python3 "$work/stranger.py" "$1" "$2" 2>&1)" = "hung up" ]; }

title "while a push runs"
random 400000000 strangers-2 >"$work/during"
t push --name during "$work/during" >"$work/push.out" 2>&1 &
push=$!
for what in garbage ones http giant-record giant-hello; do
  expect "$what at the control port: hung up" hangs_up "$control" "$what"
  expect "$what at the data port: hung up" hangs_up "$data" "$what"
done
pids=()
for i in {1..40}; do
  timeout 20 python3 "$work/stranger.py" "$([ $((i % 2)) -eq 0 ] && echo "$control" || echo "$data")" nothing &
  pids+=($!)
done >/dev/null 2>&1
expect "40 that say nothing do not keep others out" t push --name meanwhile "$work/file"
wait "$push" || bad "the push beside it exited $?: $(cat "$work/push.out")"
expect "the push beside it" grep -q committed "$work/push.out"
for i in "${pids[@]}"; do wait "$i" || true; done

title "a client with a certificate that says too much"
big() { printf '\xff\xff\xff\x7f'; head -c 2000000 /dev/zero; }
openssl_client() {
  timeout 20 openssl s_client -connect "$control" -tls1_3 -CAfile "$lab/agent/ca.pem" -quiet "$@"
}
big | openssl_client -cert "$lab/agent/reader.pem" -key "$lab/agent/reader.key" >"$work/s_client" 2>&1 || true
ok "a message of 2 GiB announced by a reader: $(wc -c <"$work/s_client") bytes came back"
code=0
openssl_client </dev/null >"$work/s_client" 2>&1 || code=$?
expect "a client without a certificate is refused" grep -qiE 'alert|error' "$work/s_client"

title "afterwards"
expect "the site is the same process" [ "$(pid_of a)" = "$pid" ]
expect "and alive" kill -0 "$pid"
expect "its memory has not grown: $before, now $(memory) KiB" [ "$(memory)" -le $((before + 65536)) ]
expect "the archives restore from it" restore_equals during "$work/during" --from a
expect "verify --deep" t verify --deep
done_with_table
