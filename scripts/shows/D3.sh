#!/usr/bin/env bash
# each change of state is one alert per channel, across restarts; Alertmanager takes them too
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D3 "alerts: exactly one per channel and change"
channels=(generic slack teams discord pagerduty)
heard=$work/heard

python3 "$root/scripts/shows/receiver.py" "$heard" "$work/ports" "$work/status" &
wait_for 10 "the receiver listens" test -s "$work/ports"
read -r web mail <"$work/ports"

alertmanager=
if command -v prometheus-alertmanager >/dev/null; then
  printf 'route: {receiver: none}\nreceivers: [{name: none}]\n' >"$work/alertmanager.yml"
  alertmanager=$((20000 + RANDOM % 10000))
  prometheus-alertmanager --config.file="$work/alertmanager.yml" --storage.path="$work/am" \
    --web.listen-address="127.0.0.1:$alertmanager" --cluster.listen-address= >"$work/am.log" 2>&1 &
fi

lab_up lab
lab_stop agent
{
  printf '\n[sla]\nraise_after_seconds = 1\nclear_after_seconds = 3\n'
  printf 'secret' >"$work/secret"
  for type in "${channels[@]}"; do
    printf '\n[[alerts]]\nname = "%s"\ntype = "%s"\nurl = "http://127.0.0.1:%d/%s"\nsecret_file = "%s"\n' \
      "$type" "$type" "$web" "$type" "$work/secret"
    [ "$type" != pagerduty ] || printf 'routing_key_file = "%s"\n' "$work/secret"
  done
  printf '\n[[alerts]]\nname = "mail"\ntype = "email"\nurl = "smtp://127.0.0.1:%d"\nfrom = "t@example.org"\nto = "o@example.org"\n' "$mail"
  if [ -n "$alertmanager" ]; then
    printf '\n[[alerts]]\nname = "am"\ntype = "alertmanager"\nurl = "http://127.0.0.1:%d/api/v2/alerts"\n' "$alertmanager"
  fi
} >"$work/alerts.toml"
cat "$work/alerts.toml" >>"$lab/agent/agent.toml"
t config check --config "$lab/agent/agent.toml" >/dev/null
lab_start agent

# of_channel CHANNEL: "before>state" of TidemarkCopies, in the order in which they came
of_channel() {
  jq -r --arg path "/$1" 'select(.path == $path and .body.groupLabels.alertname == "TidemarkCopies")
    | .body.state_before + ">" + .body.state' "$heard" 2>/dev/null | paste -sd' '
}
count_of() { grep -c "\"path\": \"$1\"" "$heard" 2>/dev/null || true; }
generic_says() { [ "$(of_channel generic)" = "$1" ]; }
restart_agent() {
  lab_stop agent
  lab_start agent
}

title "the witness goes: one warning; the agent is restarted twice, once killed: no more"
lab_kill w
wait_for 20 "the warning comes" generic_says "info>warning"
restart_agent
lab_kill agent
lab_start agent
sleep 3
generic_says "info>warning" || fail "repeated: $(of_channel generic)"
ok "one alert"

title "the receiver is away while the witness comes back; the agent is restarted: nothing is lost"
echo 503 >"$work/status"
lab_start w
wait_for 20 "the agent waits with a message" eval "curl -sf $TIDEMARK_STATUS_URL/metrics | grep -qE '^tidemark_alerts_queued [1-9]'"
restart_agent
rm "$work/status"
wait_for 40 "the end comes" generic_says "info>warning warning>info"
ok "resolved, once"

title "the same for every channel, in its own shape"
wait_for 30 "all have heard both" eval '[ "$(count_of /slack)" -ge 2 ] && [ "$(count_of /pagerduty)" -ge 2 ] && [ "$(count_of mail)" -ge 2 ]'
for type in slack teams discord pagerduty; do
  check "$type heard as often as generic" "$(count_of "/$type")" -eq "$(count_of /generic)"
done
check "mail too" "$(count_of mail)" -eq "$(count_of /generic)"
jq -es 'map(select(.path == "/slack")) | all(.body.attachments[0] | has("color") and has("title") and has("fields"))' "$heard" >/dev/null || fail "Slack's shape"
jq -es 'map(select(.path == "/discord")) | all(.body.embeds[0].color | type == "number")' "$heard" >/dev/null || fail "Discord's shape"
jq -es 'map(select(.path == "/teams")) | all(.body.attachments[0].content.type == "AdaptiveCard")' "$heard" >/dev/null || fail "Teams' shape"
jq -es 'map(select(.path == "/pagerduty")) | [.[].body.event_action] | contains(["trigger", "resolve"])' "$heard" >/dev/null || fail "PagerDuty's shape"
jq -es 'map(select(.path == "/generic") | .headers["X-Tidemark-Sequence"] | tonumber) | . == [range(1; length + 1)]' "$heard" >/dev/null ||
  fail "sequence numbers: $(jq -r 'select(.path == "/generic") | .headers["X-Tidemark-Sequence"]' "$heard" | paste -sd' ')"
jq -es 'map(select(.path == "/generic")) | all(.body.facts | has("copies_available") and has("copies_expected") and
  has("rpo_seconds") and has("rto_seconds") and has("network_use") and has("projection"))' "$heard" >/dev/null || fail "the facts are missing"
python3 - "$heard" <<'END' || fail "a signature is wrong"
import hashlib, hmac, json, sys
for line in open(sys.argv[1]):
    message = json.loads(line)
    if message["path"] == "mail":
        continue
    mac = hmac.new(b"secret", message["raw"].encode(), hashlib.sha256).hexdigest()
    assert message["headers"]["X-Tidemark-Signature"] == "sha256=" + mac
END
ok "shapes, sequence numbers without a gap, facts, signatures"

if [ -n "$alertmanager" ]; then
  title "Alertmanager itself takes them"
  lab_kill w
  active() { curl -sf "http://127.0.0.1:$alertmanager/api/v2/alerts?active=true" | jq -e 'any(.[]; .labels.alertname == "TidemarkCopies" and .labels.vault == "default")' >/dev/null; }
  wait_for 20 "it is active there" active
  lab_start w
  gone() { ! active; }
  wait_for 30 "it is resolved there" gone
  ok "active, then resolved"
else
  say "prometheus-alertmanager is not installed: not asked"
fi
shown
