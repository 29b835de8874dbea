#!/usr/bin/env bash
# A site's rate: held to, shown, changed by SIGHUP without a restart; a wrong line changes nothing.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table rates "limits of links"

lab_up lab
config=$lab/agent/agent.toml
is_behind() { ! site_is_level "$1"; }
limit_of() { site_is "$1" '.rate_limit_bytes_per_second // "none"'; }
has_limit() { [ "$(limit_of "$1")" = "$2" ]; }
# set_rate LINES: of the witness, the last site of the file
set_rate() {
  sed -i '/^rate_/d' "$config"
  sed -i "/^role = \"witness\"/a $1" "$config"
  kill -HUP "$(pid_of agent)"
}

title "a limit by the hour, taken without a restart"
expect "there is none at first" has_limit w none
pid=$(pid_of agent)
set_rate 'rate_limit = "none"\nrate_schedule = ["00:00-24:00 1MB/s"]'
wait_for 10 "status shows it" has_limit w 1000000
expect "only that site has it" has_limit a none
expect "the screen says it" grep -q "w: held to 1MB/s" <(t status)
random 8000000 rates >"$work/file"
began=$(now)
t push --name file "$work/file" >/dev/null
pushed=$(since "$began")
wait_for 60 "the witness is level" site_is_level w
level=$(since "$began")
say "8 MB: pushed in $pushed s, at the witness after $level s"
expect "the witness got it at its rate" holds "$level > 7"
expect "the push did not wait for that" holds "$pushed < $level / 2"

title "another limit while a record is on its way"
set_rate 'rate_limit = "20kB/s"'
wait_for 10 "status shows it" has_limit w 20000
random 3000000 more >"$work/more"
t push --name more "$work/more" >/dev/null
expect "the witness is behind" is_behind w
set_rate 'rate_limit = "none"'
wait_for 10 "status shows it" has_limit w none
wait_for 15 "the witness is level" site_is_level w

title "a wrong line"
set_rate 'rate_limit = "1MB/s"'
wait_for 10 "a right one first" has_limit w 1000000
set_rate 'rate_limit = "quick"'
wait_for 10 "the log says what is wrong" file_says "$lab/agent/log" "not reloaded.*'rate_limit' in \[\[sites\]\] must be"
expect "the limit stays" has_limit w 1000000
row "config check" 78 "rate_limit" t config check "$config"
expect "it is the same process all along" [ "$(pid_of agent)" = "$pid" ]
kill -HUP "$(pid_of a)"
wait_for 10 "a site has nothing to reload, and lives" file_says "$lab/a/log" "SIGHUP: nothing to reload"
expect "it restores" restore_equals more "$work/more"
done_with_table
