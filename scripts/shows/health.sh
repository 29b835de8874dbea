# shellcheck shell=bash
# shellcheck disable=SC2154  # lib.sh sets what is used here: work, lab, root
# What show D7 needs to bring health codes about, and to check what is said of them.
seen=()

# expect CODE SEVERITY CHECK-EXIT READY(200|503): within 40 s
expect() {
  local code=$1 severity=$2 exit=$3 ready=$4
  wait_for 40 "$code ($severity)" says "$code" "$severity"
  wait_for 20 "$code: status --check exits $exit" check_exits "$exit"  # links and vaults settle first
  says "$code" "$severity" || fail "$code was gone before --check exited $exit: $(cat "$work/check")"
  jq -e --arg code "$code" '.health.codes[] | select(.code == $code) | .hint | length > 10' "$work/status" >/dev/null ||
    fail "$code has no hint"
  [ "$severity" = info ] || grep -q "$code" "$work/check" || fail "$code is not in the line of --check"
  if [ "$ready" != - ]; then
    # Its snapshot may be half a second old, and not ready for another reason.
    wait_for 5 "$code: /readyz is $ready and says why" ready_is "$ready" "$code"
  fi
  seen+=("$code")
  ok "$code: $severity, --check $exit, /readyz $ready"
}
says() {
  t status --json >"$work/status" 2>/dev/null &&
    jq -e --arg code "$1" --arg severity "$2" 'any(.health.codes[]; .code == $code and .severity == $severity)' "$work/status" >/dev/null
}
check_exits() { local got=0; t status --check >"$work/check" || got=$?; [ "$got" = "$1" ]; }
ready_is() { # STATUS CODE
  [ "$(curl -s -o "$work/ready" -w '%{http_code}' "$TIDEMARK_STATUS_URL/readyz")" = "$1" ] &&
    { [ "$1" = 200 ] || grep -q "$2" "$work/ready"; }
}
is_well() { t status --check >/dev/null; }
configure() { sed -i "$1" "$lab/agent/agent.toml"; }
restart_agent() {
  lab_stop agent
  lab_start agent
}

mounted=
leave() {
  local code=$1
  "$root/scripts/lab" down "$lab"
  if [ -n "$mounted" ]; then umount "$mounted" || umount -l "$mounted"; fi
  end "$code"
}

# A copy of everything goes its own way; then the first agent meets the copy's sites.
play_two_histories() {
  for one in agent a b w; do lab_stop $one; done
  cp -a "$lab" "$work/twin"
  for one in a b w agent; do lab_start $one; done
  for i in 1 2 3; do random 3000000 "D7first$i" | t push --wait all --name two - >/dev/null; done
  sleep 1.5 # the agent keeps receipts once a second
  for one in agent a b w; do lab_stop $one; done
  for site in a b w; do mv "$lab/$site/store" "$work/store-$site" && cp -a "$work/twin/$site/store" "$lab/$site/store"; done
  mv "$lab/agent" "$work/first" && cp -a "$work/twin/agent" "$lab/agent"
  for one in a b w agent; do lab_start $one; done
  for i in 1 2 3 4 5; do random 3000000 "D7other$i" | t push --wait all --name two - >/dev/null; done
  sleep 1.5
  for one in agent a b w; do lab_stop $one; done
  # It holds what the sites signed the first time. Shown their newest receipt, they would not even begin.
  rm -rf "$lab/agent" && cp -a "$work/first" "$lab/agent" && rm -f "$lab/agent"/receipt-*
  for one in a b w agent; do lab_start $one; done
}
go_back_to_one() {
  for one in agent a b w; do lab_stop $one; done
  for site in a b w; do rm -rf "$lab/$site/store" && mv "$work/store-$site" "$lab/$site/store"; done
  rm -rf "$lab/agent" "$work/twin" && mv "$work/first" "$lab/agent"
  for one in a b w agent; do lab_start $one; done
}
