#!/usr/bin/env bash
# Bare restore: empty directory, binary, recovery kit, one site; and from a copied store with no site running.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A7 "bare restore"

random 50000000 A7 >"$work/archive"
chmod 751 "$work/archive"
lab_up lab
t push --wait all --name archive "$work/archive" >/dev/null
t push --wait all --name archive <(cat "$work/archive" "$work/archive") >/dev/null
ok "two versions are at all three sites"

title "the machine is gone: agent, configuration, index, keys"
mkdir "$work/bare"
cp "$bin" "$work/bare/tidemark"
cp "$TIDEMARK_KIT" "$work/bare/kit.json"
lab_kill agent
mv "$lab/agent" "$work/was-agent"
mv "$lab/ca" "$work/was-ca"
bare() { (cd "$work/bare" && env -i ./tidemark "$@"); }
ok "$(cd "$work/bare" && echo * | tr ' ' ,) in an empty directory, an empty environment"

bare_restore() {
  bare restore archive@1 -o back "$@" >/dev/null || fail "restore $* exited $?"
  same "$work/archive" "$work/bare/back" "$*"
  [ "$(stat -c %a "$work/bare/back")" = 751 ] || fail "its mode is $(stat -c %a "$work/bare/back")"
  rm -f "$work/bare/back"
}

for only in a b w; do
  title "only site $only runs"
  for site in a b w; do [ "$site" = "$only" ] || lab_kill "$site"; done
  bare list --kit kit.json
  check "versions listed" "$(bare list --kit kit.json --json | jq length)" -eq 2
  bare_restore --kit kit.json
  bare restore archive --kit kit.json --from "$only" -o - | cmp -s - <(cat "$work/archive" "$work/archive") ||
    fail "version 2 from $only differs"
  ok "both versions are identical"
  for site in a b w; do lab_start "$site"; done
done

title "no site runs: a copied store"
for site in a b w; do lab_kill "$site"; done
for site in a b w; do
  cp -r --sparse=always "$lab/$site/store" "$work/bare/store"
  bare_restore --kit kit.json --store store
  check "from a copy of $site's store; versions listed" \
    "$(bare list --kit kit.json --store store --json | jq length)" -eq 2
  rm -rf "$work/bare/store"
done
mv "$work/was-agent" "$lab/agent"
shown
