#!/usr/bin/env bash
# a long line to the witness: several connections carry what one cannot
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin long-line "several data connections for a long line"
bytes=${LONG_LINE_BYTES:-60000000}       # less than the agent's record buffers: nothing is fetched from a peer
round_trip=${LONG_LINE_MILLISECONDS:-80}
window=${LONG_LINE_WINDOW:-524288}       # of each connection
several=${LONG_LINE_CONNECTIONS:-4}

lab_up lab
lab_stop agent
config=$lab/agent/agent.toml
port_of() { sed -n "s/^$1 = .*:\([0-9]*\)\"/\1/p" "$lab/w/site.toml"; }
control=$(port_of listen)
data=$(port_of data_listen)
python3 "$root/scripts/shows/long_line.py" "$round_trip" "$window" \
  "127.0.0.2:$control=127.0.0.1:$control" "127.0.0.2:$data=127.0.0.1:$data" >"$work/line.out" &
wait_for 10 "the line is up" grep -q ready "$work/line.out"
sed -i "s/127.0.0.1:$control/127.0.0.2:$control/" "$config"

# carried CONNECTIONS: seconds until the witness, behind the line, has an archive
carried() {
  sed -i "/^role = \"witness\"/,/^rate_limit/ s/^connections = .*/connections = $1/" "$config"
  lab_start agent
  random "$bytes" "line-$1" >"$work/file"
  local began
  began=$(now)
  t push --wait all --name "over-$1" "$work/file" >/dev/null
  since "$began"
  restore_equals "over-$1" "$work/file" --from w || fail "$why"
  lab_stop agent
}
one=$(carried 1)
more=$(carried "$several")
rate() { calculate "$bytes / $1 / 1000000"; }
say "a round trip of $round_trip ms and a window of $window bytes: at most $(calculate "$window / $round_trip / 1000") MB/s a connection"
say "1 connection: $one s, $(rate "$one") MB/s; $several connections: $more s, $(rate "$more") MB/s"
holds "$one > $more * $several / 2" || fail "$several connections are not even half of $several times as fast"
ok "$several connections carry $(calculate "$one / $more") times what one does"
shown
