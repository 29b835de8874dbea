#!/usr/bin/env bash
# A site's disk is full: the push waits and says so; space is freed, and it goes on by itself.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table full_disk "a full disk at a site"

if [ "$(id -u)" -ne 0 ]; then
  say "not run: only root can mount a small file system"
  trap - EXIT
  rm -rf "$work"
  exit 77
fi

random 1000000 small >"$work/small"
lab_up lab
t push --wait all --name small "$work/small" >/dev/null

# The store moves to a file system of its own that has little room.
small_disk() { # SITE
  local site=$1 size
  lab_stop "$site"
  size=$(($(du -s --apparent-size -BM "$lab/$site/store" | cut -dM -f1) + 336))
  mv "$lab/$site/store" "$lab/$site/was"
  mkdir "$lab/$site/store"
  if ! mount -t tmpfs -o "size=${size}m,mode=700" tidemark-test "$lab/$site/store" 2>"$work/mount.err"; then
    say "not run: no file system can be mounted here: $(cat "$work/mount.err")"
    mounted=
    exit 77
  fi
  mounted=$lab/$site/store
  cp -a --sparse=never "$lab/$site/was/." "$lab/$site/store/"
  lab_start "$site"
}
mounted=
leave() {
  local code=$1
  "$root/scripts/lab" down "$lab"
  if [ -n "$mounted" ]; then umount "$mounted" || umount -l "$mounted"; fi
  [ "$code" -ne 77 ] || rm -rf "$work"
  [ "$code" -ne 77 ] || exit 77
  end "$code"
}
trap 'leave $?' EXIT

for site in b w; do
  title "site $site"
  random 300000000 "full-$site" >"$work/file"
  small_disk "$site"
  # Something else takes most of what is left.
  head -c 180000000 /dev/zero >"$mounted/ballast"
  if [ "$site" = b ]; then
    t push --name "full-$site" "$work/file" --json >"$work/push.json" 2>"$work/push.err" &
    push=$!
    wait_for 60 "the push says that $site is full" file_says "$work/push.err" "waiting for primary $site: .*(full|space|free)"
    expect "it waits: $(grep -m 1 "primary $site" "$work/push.err" | cut -c -160)" kill -0 "$push"
  else
    expect "a push does not need the witness's disk" t push --name "full-$site" "$work/file"
  fi
  is_full() { site_has_state "$site" full; }
  wait_for 60 "status: full" is_full
  t status --json >"$work/status.json"
  expect "status: full, and what to do" jq -e --arg who " $site has" \
    'any(.health.codes[]; .code == "SITE_FULL" and (.message | contains($who)) and .hint != null)' \
    "$work/status.json"
  row "push --wait all --timeout 3s meanwhile" 75 "" t push --wait all --timeout 3s --name meanwhile "$work/small"
  rm "$mounted/ballast"
  if [ "$site" = b ]; then expect "space is freed: the push exits 0" wait "$push"; fi
  wait_for 60 "$site is level again, by itself" site_is_level "$site"
  expect "it restores from $site" restore_equals "full-$site" "$work/file" --from "$site"
  lab_stop "$site"
  cp -a "$mounted/." "$work/kept-$site"
  umount "$mounted"
  mounted=
  rm -rf "$lab/$site/was"
  cp -a "$work/kept-$site/." "$lab/$site/store/"
  rm -rf "$work/kept-$site"
  lab_start "$site"
done
for site in a b w; do wait_for 60 "$site is level" site_is_level "$site"; done
expect "verify --deep" t verify --deep
done_with_table
