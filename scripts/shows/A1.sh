#!/usr/bin/env bash
# Byte-identical round trips from each site; 8 pushes at once; root and plain user; two labs.
# A1_BYTES: size of the random archive (default 1 GiB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A1 "byte-identical round trips from each site"

bytes=${A1_BYTES:-1073741824}
parallel=8
need_free $((bytes * 14))
src=$work/src
mkdir "$src"

title "archives: empty, one byte, $(mib "$bytes") random, a tar of real files, a stream"
: >"$src/empty"
printf x >"$src/one"
random "$bytes" A1 >"$src/random"
(tar -c --sort=name -C /usr include lib/python3 share 2>/dev/null || true) | head -c $((bytes / 4)) >"$src/tar"
random $((bytes / 8 + 12345)) A1-stream >"$src/stream"
for ((i = 0; i < parallel; ++i)); do random $((bytes / 32 + i)) "A1-$i" >"$src/many-$i"; done
chmod 640 "$src/one"
chmod 644 "$src/empty" "$src/random" "$src/tar"
[ "$(id -u)" -ne 0 ] || chown nobody "$src/one"
touch -d '2020-02-29 12:34:56.123456789 UTC' "$src/tar"

attributes() { stat -c '%a %.9Y' "$1"; }

# Everything that one lab has to show.
round_trips() {
  local who=$1 out=$work/out name site pids=() i restores=0
  mkdir -p "$out"
  [ ${#runner[@]} -eq 0 ] || chown nobody "$out"
  for name in empty one random tar; do
    t push --wait all "$src/$name" --json >"$work/push.json"
    jq -e --argjson size "$(stat -c %s "$src/$name")" \
      '.version == 1 and .source_bytes == $size and .complete' "$work/push.json" >/dev/null ||
      fail "push $name said $(cat "$work/push.json")"
  done
  t push --wait all --name stream - < <(cat "$src/stream") >/dev/null
  ok "$who: five archives are pushed"
  for site in a b w; do
    for name in empty one random tar; do
      t restore "$name" --from "$site" -o "$out/$name" >/dev/null
      same "$src/$name" "$out/$name" "from $site"
      [ "$(attributes "$src/$name")" = "$(attributes "$out/$name")" ] ||
        fail "$name from $site: mode and time are $(attributes "$out/$name")"
      rm -f "$out/$name"
    done
    t restore stream --from "$site" -o - | cmp -s - "$src/stream" || fail "stream from $site differs"
    ok "$who: from $site all five are identical, with mode and time"
  done
  for ((i = 0; i < parallel; ++i)); do
    t push "$src/many-$i" >/dev/null &
    pids+=($!)
  done
  while [ -n "$(jobs -rp)" ]; do
    t restore tar -o - | cmp -s - "$src/tar" || fail "a restore during $parallel pushes differs"
    restores=$((restores + 1))
  done
  for i in "${pids[@]}"; do wait "$i" || fail "one of $parallel pushes at once exited $?"; done
  check "$who: right restores while $parallel pushes ran" "$restores" -ge 1
  for ((i = 0; i < parallel; ++i)); do restore_equals "many-$i" "$src/many-$i"; done
  ok "$who: the $parallel pushes restore identically"
}

title "a lab of $(id -un)"
lab_up one
first=$lab
round_trips "$(id -un)"

if [ "$(id -u)" -eq 0 ]; then
  title "a second lab beside it, of a plain user"
  first_socket=$TIDEMARK_SOCKET
  become_plain_user
else
  title "a second lab beside it (not run as root: that half is not shown here)"
  first_socket=$TIDEMARK_SOCKET
fi
lab_up two
[ "$lab" != "$first" ] || fail "one lab twice"
round_trips "$("${runner[@]}" id -un)"
t push --name only-here "$src/one" >/dev/null
t list --json --socket "$first_socket" | jq -e 'all(.archive != "only-here")' >/dev/null ||
  fail "the first lab has what the second was given"
ok "the labs know nothing of each other"
shown
