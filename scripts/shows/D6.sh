#!/usr/bin/env bash
# a replayed month against a table worked out by hand; meters, prices and reports in a lab
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D6 "quotas, projections, prices, reports"

title "November, hour by hour (the table stands at the top of tests/agent/report/usage_test.cc)"
if [ -z "${D6_TEST:-}" ]; then
  build release report_test
  D6_TEST=$root/build/release/tests/agent/report/report_test
fi
"$D6_TEST" --gtest_filter='Usage.*:Incidents.*:NetworkMetrics.*:DayBook.*:SlaReport.*' --gtest_brief=1 >"$work/test" || fail "$(cat "$work/test")"
ok "alerts on the 1st, 19th, 22nd, 25th and 26th; egress 80.00, overage 40.00, credit 30 %"
tail -n 1 "$work/test" | sed 's/^/  /'

title "the meters of a lab"
lab_up lab
random 5000000 D6 >"$work/file"
t push --name one "$work/file" >/dev/null
for i in 1 2 3; do t restore one -o "$work/out$i" >/dev/null; done
metrics() { curl -sf "$TIDEMARK_STATUS_URL/network-metrics"; }
egress_is() { metrics | jq -e --argjson bytes "$1" '.vaults[0].egress_bytes == $bytes' >/dev/null; }
wait_for 40 "/network-metrics says 15 MB of egress" egress_is 15000000
ok "egress: $(metrics | jq '.vaults[0].egress_bytes') bytes; stored $(metrics | jq '.vaults[0].stored_bytes')"
metrics | jq -e '(.method | length > 20) and .prices.egress_per_gb == 0.08 and (.sla.subjects | length >= 8) and
  .vaults[0].projected_stored_bytes == null and .vaults[0].credit_percent == 0' >/dev/null || fail "$(metrics)"
ok "method, prices, SLA states; a projection that is not known is null"
lab_stop agent
lab_start agent
t restore one -o "$work/out4" >/dev/null
wait_for 40 "the meter goes on after a restart" egress_is 20000000
ok "after a restart: 20 MB"

title "reports"
t report --config "$lab/agent/agent.toml" | sed 's/^/  /'
t report monthly --json --config "$lab/agent/agent.toml" | jq -e '.vaults[0].name == "default" and .watched_share < 0.1' >/dev/null || fail "the monthly report"
t report daily --html --config "$lab/agent/agent.toml" | grep -q '<h2>Vault default' || fail "the page to print"
wait_for 40 "/report/daily" eval "curl -sf '$TIDEMARK_STATUS_URL/report/daily' | grep -q '<h2>Vault default'"
if t report someday --config "$lab/agent/agent.toml" 2>/dev/null; then fail "someday is a period"; fi
ok "text, JSON, page, port"
shown
