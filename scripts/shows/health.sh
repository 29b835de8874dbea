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

