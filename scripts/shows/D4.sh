#!/usr/bin/env bash
# metrics, rules and dashboard queries as promtool sees them; the page in Chromium, wide and narrow
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D4 "metrics, rules, dashboards, the page"
command -v promtool >/dev/null || { say "promtool is missing: scripts/setup"; is_shown=true; exit 77; }

lab_up lab
random 60000000 D4 >"$work/file"
t push --name one "$work/file" >/dev/null
t restore one -o "$work/back" >/dev/null
sleep 12  # rates and the first steps of the lines

title "/metrics"
curl -sf "$TIDEMARK_STATUS_URL/metrics" >"$work/metrics"
promtool check metrics <"$work/metrics" || fail "promtool finds fault with /metrics"
check "promtool is content; families" "$(grep -c '^# TYPE' "$work/metrics")" -ge 40
for family in replication_lag_seconds rpo_actual_seconds meeting_rpo iops pending_bytes copies_available sla_state egress_bytes; do
  grep -q "^tidemark_$family{" "$work/metrics" || fail "tidemark_$family is missing"
done

title "rules"
promtool check rules "$root/deploy/prometheus/tidemark.rules.yml" | sed 's/^/  /'
(cd "$root/deploy/prometheus" && promtool test rules tidemark.rules.test.yml) | sed 's/^/  /'

title "dashboard queries: each parses, and each metric that it names is there or recorded"
python3 - "$root/deploy/grafana/tidemark.json" "$work" <<'END' || fail "a query"
import json, re, sys
panels = json.load(open(sys.argv[1]))["panels"]
known = set(re.findall(r"^# TYPE (\S+)", open(sys.argv[2] + "/metrics").read(), re.M)) | {"tidemark:rpo_budget_used:ratio"}
rules = []
for panel in panels:
    for target in panel["targets"]:
        expression = target["expr"].replace("$instance", ".*").replace("$vault", ".*").replace("$site", ".*")
        for metric in re.findall(r"tidemark[\w:]+", expression):
            if metric not in known:
                sys.exit(f"{panel['title']}: {metric} is no metric of ours")
        rules.append({"record": f"query:{len(rules)}", "expr": expression})
json.dump({"groups": [{"name": "queries", "rules": rules}]}, open(sys.argv[2] + "/queries.yml", "w"))
print(f"  {len(rules)} queries of {len(panels)} panels")
END
promtool check rules "$work/queries.yml" >/dev/null || fail "a query does not parse"

title "speed: 1000 requests in a minute, one after the other on new connections"
python3 - "$TIDEMARK_STATUS_URL" "${D4_REQUESTS:-300}" <<'END' || fail "too slow"
import sys, time, urllib.request
times = []
for i in range(int(sys.argv[2])):
    began = time.monotonic()
    urllib.request.urlopen(sys.argv[1] + ("/status", "/metrics", "/healthz", "/")[i % 4]).read()
    times.append(time.monotonic() - began)
    time.sleep(max(0, 0.06 - times[-1]))
times.sort()
p95 = times[len(times) * 95 // 100]
print(f"  {len(times)} requests: p50 {times[len(times) // 2] * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms, slowest {times[-1] * 1000:.1f} ms")
sys.exit(p95 > 0.25)
END

title "/healthz while a site hangs"
kill -STOP "$(pid_of w)"
sleep 1
python3 - "$TIDEMARK_STATUS_URL" <<'END' || fail "a site that hangs holds /healthz up"
import sys, time, urllib.request
slowest = 0
for _ in range(40):
    began = time.monotonic()
    urllib.request.urlopen(sys.argv[1] + "/healthz").read()
    slowest = max(slowest, time.monotonic() - began)
print(f"  slowest of 40: {slowest * 1000:.1f} ms")
sys.exit(slowest > 0.5)
END
kill -CONT "$(pid_of w)"

if command -v chromium >/dev/null; then
  title "the page in Chromium"
  wait_for 30 "the witness is back" site_has_state w streaming
  sleep 5
  mkdir -p "${D4_PICTURES:=$work/pictures}"
  python3 "$root/scripts/shows/page_check.py" "$TIDEMARK_STATUS_URL/" "'$bin' status --json" "$D4_PICTURES" | sed 's/^/  /'
else
  say "chromium is not installed: the page was not looked at"
fi
shown
