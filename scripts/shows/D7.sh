#!/usr/bin/env bash
# each health code from a real cause: status, --check, /readyz and the hint agree
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$root/scripts/shows/health.sh"
begin D7 "health codes"
title "an agent that is well"
lab_up lab
random 200000000 D7 >"$work/file"
t push --wait all --name one "$work/file" >/dev/null
wait_for 30 "status --check exits 0" is_well
expect SITES_SHARE_HOST info 0 200

title "sites go away"
lab_kill w
expect WITNESS_DOWN warn 1 200
lab_start w
wait_for 30 "it is well again" is_well
lab_kill b
expect PRIMARY_DOWN error 2 503
lab_start b
wait_for 30 "it is well again" is_well

title "an RPO of 30 s with the witness away: first the warning, then the breach"
configure 's/^rpo_target_seconds = .*/rpo_target_seconds = 30/'
restart_agent
wait_for 30 "it is well again" is_well
lab_kill w
began=$(now)
expect RPO_AT_RISK warn 1 200
warned=$(since "$began")
expect RPO_MISSED error 2 200
missed=$(since "$began")
ok "warned after $warned s, missed after $missed s of 30 s"
holds "$warned < $missed - 5" || fail "the warning came too late to be one"
lab_start w
wait_for 30 "it is well again" is_well

title "an agent that begins without a primary"
lab_stop agent
lab_kill a
configure 's/^rpo_target_seconds = .*/rpo_target_seconds = 900/'
lab_start agent
expect VAULT_OPENING warn 2 503
lab_start a
wait_for 30 "it is well again" is_well

title "a tier that is too small"
printf 'tier = "S1"\n' >>"$lab/agent/agent.toml"
restart_agent
(for i in 1 2 3 4; do random 150000000 "D7$i" | t push --name "big$i" - >/dev/null; done) &
pushing=$!
expect TIER_EXCEEDED warn 1 200
wait "$pushing"
wait_for 30 "it is well again" is_well
printf 'tier_enforced = true\n' >>"$lab/agent/agent.toml"
restart_agent
began=$(now)
random 120000000 D7x | t push --name enforced - >/dev/null
took=$(since "$began")
ok "S1 enforced: 7,360 I/Os in $took s, that is $(calculate "7360 / $took") a second of 1500 and a second's worth"
holds "$took >= 3.5" || fail "the tier is not enforced"
began=$(now)
t restore enforced -o "$work/enforced" >/dev/null
took=$(since "$began")
ok "and on its restore: $took s"
holds "$took >= 3.5" || fail "the tier is not enforced on restores"

title "sites that share a machine without leave; a port that is taken"
configure 's/^allow_same_host = true/allow_same_host = false/'
restart_agent
expect SITES_SHARE_HOST error 2 200
configure 's/^allow_same_host = false/allow_same_host = true/'
restart_agent
lab_stop agent
port=${TIDEMARK_STATUS_URL##*:}
python3 -c "
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', $port)); s.listen(); print('taken', flush=True); time.sleep(300)" >"$work/taken" &
squatter=$!
wait_for 10 "the port is taken" test -s "$work/taken"
"$bin" agent run --config "$lab/agent/agent.toml" >>"$lab/agent/log" 2>&1 &
echo $! >"$lab/agent/pid"
expect STATUS_PORT warn 1 -
t push --name beside "$work/check" >/dev/null || fail "a port that is taken stops pushes"
kill "$squatter"
wait_for 30 "the port is had after all" is_well


configure '/^tier/d'
restart_agent
title "an agent that stood still for two seconds and a half"
kill -STOP "$(pid_of agent)"
sleep 2.5
kill -CONT "$(pid_of agent)"
expect LOOP_STALLED info 0 200

title "an agent that takes more of its machine than it should"
printf '\n[limits]\ncpu_percent = 1\n' >"$work/limits"
sed -i '/^\[limits\]/,/^$/d; s/^record_buffers = .*/record_buffers = 256/' "$lab/agent/agent.toml"
sed "s/cpu_percent = 1/&\nmemory_percent = 1/" "$work/limits" >>"$lab/agent/agent.toml"
restart_agent
expect AGENT_MEMORY_HIGH warn 1 200
(for i in $(seq 40); do random 30000000 "D7busy$i" | t push --name busy - >/dev/null; done) &
pushing=$!
expect AGENT_CPU_HIGH warn 1 200
kill "$pushing"
wait "$pushing" 2>/dev/null || true
sed -i '/^\[limits\]/,$d; s/^record_buffers = .*/record_buffers = 32/' "$lab/agent/agent.toml"
restart_agent
wait_for 30 "it is well again" is_well

title "a site whose clock is five seconds fast"
cat >"$work/clock.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, now);
  if (id == CLOCK_REALTIME) now->tv_sec += 5;
  return result;
}
END
if cc -shared -fPIC -o "$work/clock.so" "$work/clock.c" -ldl 2>"$work/cc.err"; then
  lab_stop w
  LD_PRELOAD=$work/clock.so lab_start w
  expect CLOCK_SKEW warn 1 200
  lab_stop w
  lab_start w
  wait_for 30 "it is well again" is_well
else
  say "not shown here: CLOCK_SKEW, there is no C compiler: $(head -n 1 "$work/cc.err")"
fi

title "a witness that has much to fetch, and an agent on a new machine that knows nothing of it"
lab_kill w
random 400000000 D7much | t push --name much - >/dev/null
lab_stop agent
rm -rf "$lab/agent/proof" "$lab/agent/receipt-w"
lab_start w
clamp "$(pid_of w)" &
clamping=$!
lab_start agent
expect SITE_CATCHING_UP warn 1 200
expect RPO_UNKNOWN warn 1 200
kill "$clamping"
wait "$clamping" 2>/dev/null || true
kill -CONT "$(pid_of w)"
wait_for 60 "it is well again" is_well

title "a dedup index that rots; its hint mends it"
restart_agent  # so that it is on disk
python3 - "$lab/agent/index/default" <<'END'
import glob, os, sys
for name in glob.glob(sys.argv[1] + "/*.sst"):
    with open(name, "r+b") as file:
        file.write(os.urandom(os.path.getsize(name) // 2))
END
t push --name again "$work/file" >/dev/null || fail "a rotten index stops pushes"
expect INDEX_TROUBLE warn 1 200
lab_stop agent
rm -rf "$lab/agent/index/default"
lab_start agent
t push --name again "$work/file" >/dev/null
wait_for 30 "it is well again" is_well

title "another key file"
lab_stop agent
mv "$lab/agent/keyring-default" "$lab/agent/kek.key" "$work/"
"$bin" setup agent --ca "$lab/ca" --name other --site a=primary=127.0.0.1:1 --site b=primary=127.0.0.1:2 \
  --site w=witness=127.0.0.1:3 --state "$work/other" --socket "$work/other.sock" --out "$work/other" >/dev/null
cp "$work/other/kek.key" "$lab/agent/kek.key"
lab_start agent
expect VAULT_FAILED error 2 503
lab_stop agent
mv "$work/keyring-default" "$work/kek.key" "$lab/agent/"
lab_start agent
wait_for 30 "it is well again" is_well

title "two of three sites"
configure 's/^ack = .*/ack = "quorum"/; s/^quorum_after_seconds = .*/quorum_after_seconds = 1/'
restart_agent
lab_kill b
t push --timeout 30s --name by-two "$work/check" >/dev/null || fail "two sites do not commit"
expect ACK_QUORUM warn 2 200  # 2: PRIMARY_DOWN stands beside it
lab_start b
wait_for 60 "it is well again" is_well
configure 's/^ack = .*/ack = "strict"/'
restart_agent

title "a primary with yesterday's disk, and nobody who could help"
wait_for 30 "it is well again" is_well
lab_stop a
cp -a "$lab/a/store" "$work/yesterday"
lab_start a
t push --wait all --name newer "$work/check" >/dev/null
sleep 1.5  # the agent keeps receipts once a second
for site in a b w; do lab_stop $site; done
rm -rf "$lab/a/store"
mv "$work/yesterday" "$lab/a/store"
lab_start a
expect SITE_DAMAGED error 2 503
for site in b w; do lab_start $site; done
wait_for 60 "it is repaired" is_well

title "bad blocks that no other site can heal"
for site in b w; do lab_stop $site; done
lab_stop a
printf '\n[scrub]\nperiod_seconds = 5\nbytes_per_second_min = 1000000000\n' >"$work/scrub"
grep -q '^\[scrub\]' "$lab/a/site.toml" && sed -i '/^\[scrub\]/,/^\[/{/^[a-z]/d;/^\[scrub\]/d}' "$lab/a/site.toml"
cat "$work/scrub" >>"$lab/a/site.toml"
(cd "$root/scripts/shows" && python3 damage_store.py "$lab/a/store" 0.02 D7 0) | sed 's/$/ places damaged/; s/^/  /'
lab_start a
expect SITE_BAD_BLOCKS error 2 -
for site in b w; do lab_start $site; done
wait_for 90 "it is healed" is_well

title "a whole installation copied, and both go on: site a signs two histories"
wait_for 30 "it is well again" is_well
play_two_histories
expect SITE_EQUIVOCATES error 2 -
go_back_to_one
wait_for 60 "the one history again" is_well

if [ "$(id -u)" = 0 ]; then
  title "a disk that has no room for evidence"
  trap 'leave $?' EXIT
  lab_stop agent
  mv "$lab/agent/proof" "$lab/agent/proof-was"
  mkdir "$lab/agent/proof"
  mount -t tmpfs -o "size=$(($(du -s --apparent-size -BK "$lab/agent/proof-was" | cut -dK -f1) + 64))k,mode=700" \
    tidemark-show "$lab/agent/proof"
  mounted=$lab/agent/proof
  cp -a "$lab/agent/proof-was/." "$mounted/"
  lab_start agent || true
  fill() { for i in $(seq 400); do t push --name little "$work/check" >/dev/null || return; done; }
  fill &
  filling=$!
  expect PROOF_NOT_KEPT warn 1 200
  kill "$filling" 2>/dev/null || true
  wait "$filling" 2>/dev/null || true
  lab_stop agent
  umount "$mounted"
  mounted=
  rmdir "$lab/agent/proof"
  mv "$lab/agent/proof-was" "$lab/agent/proof"
  lab_start agent
  wait_for 30 "it is well again" is_well
else
  say "not shown here: PROOF_NOT_KEPT: only root can mount a small file system"
fi

if [ "$(id -u)" = 0 ]; then
  title "a primary's disk that is small, and then full"
  trap 'leave $?' EXIT
  lab_stop b
  size=$(($(du -s --apparent-size -BM "$lab/b/store" | cut -dM -f1) + 336))
  mv "$lab/b/store" "$lab/b/was"
  mkdir "$lab/b/store"
  mount -t tmpfs -o "size=${size}m,mode=700" tidemark-show "$lab/b/store"
  mounted=$lab/b/store
  cp -a --sparse=never "$lab/b/was/." "$lab/b/store/"
  lab_start b || wait_for 120 "b serves" site_has_state b streaming
  expect SITE_NEARLY_FULL warn 1 200
  head -c 180000000 /dev/zero >"$mounted/ballast"
  (random 4000000000 D7full | t push --name full - >/dev/null 2>&1) & # more than any log file has room for
  pushing=$!
  expect SITE_FULL error 2 503
  stood=$(site_is b .durable_sequence)
  rm "$mounted/ballast"
  went_on() { [ "$(site_is b .durable_sequence)" -gt "$stood" ]; }
  wait_for 60 "the push goes on once there is room" went_on
  pkill -P "$pushing" || true
  wait "$pushing" || true
else
  say "not shown here: SITE_NEARLY_FULL, SITE_FULL: only root can mount a small file system"
fi

title "another agent takes over"
cp -r "$lab/agent" "$work/second"
rm -rf "$work/second/index" "$work/second/lock" "$work/second/log"
sed -i "s|^state = .*|state = \"$work/second\"|; s|^socket = .*|socket = \"$work/second.sock\"|; s|^listen = .*|listen = \"\"|" \
  "$work/second/agent.toml"
"$bin" agent run --config "$work/second/agent.toml" >"$work/second.log" 2>&1 &
expect VAULT_FENCED error 2 503
expect FENCED error 2 503

say "${#seen[@]} codes from real causes: ${seen[*]}"
shown
