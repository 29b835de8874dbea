#!/usr/bin/env bash
# What a user can give the commands that is wrong.
source "$(dirname "${BASH_SOURCE[0]}")/table.sh"
table bad_input "wrong input: exit codes and messages"

random 3000000 bad-input >"$work/file"
lab_up lab
t push --name archive "$work/file" >/dev/null
t push --name archive "$work/file" >/dev/null

title "push"
row "missing file" 66 "missing: No such file" t push "$work/missing"
row "directory" 64 "is a directory" t push "$work"
grep -q 'tar -c' "$work/row.json" || bad "directory: no hint of tar -c"
row "standard input without a name" 64 "needs --name" t push -
row "name with @" 64 "name" t push --name a@1 "$work/file"
row "empty name" 64 "name" t push --name "" -
row "name of 256 bytes" 64 "name" t push --name "$(printf 'n%.0s' {1..256})" "$work/file"
row "name with a control character" 64 "name" t push --name $'a\tb' "$work/file"
row "name that is not UTF-8" 64 "UTF-8|name" t push --name $'\xff\xfe' "$work/file"
row "unknown vault" 66 "no vault.*nowhere" t push --vault nowhere "$work/file"
row "timeout that is none" 64 "duration" t push --timeout soon "$work/file"
row "unknown flag" 64 "--frobnicate" t push --frobnicate "$work/file"
row "no path" 64 "PATH" t push
row "unknown verb" 64 "" t frobnicate
row "no agent at the socket" 69 "agent is not reachable.*$work/none" t push "$work/file" --socket "$work/none"
expect "none of these made a version" [ "$(t list --json | jq length)" -eq 2 ]

title "unreadable files"
if [ "$(id -u)" -eq 0 ]; then
  cp "$bin" "$work/tidemark"
  cp "$TIDEMARK_KIT" "$work/kit"
  chmod 600 "$work/file" "$work/kit"
  chmod 777 "$out"
  plain() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$work/tidemark" "$@"; }
  row "unreadable file, as a plain user" 77 "file: Permission denied" plain push "$work/file"
  row "unreadable kit, as a plain user" 77 "kit: Permission denied" plain list --kit "$work/kit"
  mkdir -m 755 "$work/closed"
  plain_row "restore where one may not write" 77 "Permission denied" plain restore archive -o "$work/closed/x"
  cp "$work/file" "$work/readable"
  chmod 644 "$work/readable"
  expect "a plain user may push what it may read" plain push "$work/readable" --name archive
else
  chmod 000 "$work/file"
  row "unreadable file" 77 "file: Permission denied" t push "$work/file"
  chmod 600 "$work/file"
fi

title "restore, list"
row "unknown archive" 66 "nothing-of-that-name" t restore nothing-of-that-name -o "$out/x"
row "unknown archive, list" 66 "nothing-of-that-name" t list nothing-of-that-name
row "unknown version" 66 "archive@9" t restore archive@9 -o "$out/x"
row "version that is no number" 64 "version" t restore archive@new -o "$out/x"
row "unknown vault" 66 "no vault.*nowhere" t restore archive --vault nowhere -o "$out/x"
row "unknown site" 66 "no site.*'z'" t restore archive --from z -o "$out/x"
row "range past the end" 64 "3000000" t restore archive -o "$out/x" --offset 3000001 --length 1
row "range over the end" 64 "3000000" t restore archive -o "$out/x" --offset 2999990 --length 11
row "offset that is no number" 64 "--offset" t restore archive -o "$out/x" --offset many
row "before all versions" 66 "archive" t restore archive -o "$out/x" --before 2001-01-01T00:00:00Z
row "a time that is none" 64 "RFC 3339|time" t restore archive -o "$out/x" --before yesterday
row "output in no directory" 66 "No such file" t restore archive -o "$out/none/x"
row "store without a kit" 64 "--kit" t restore archive -o "$out/x" --store "$lab/a/store"
row "missing kit" 66 "no-kit: No such file" t restore archive -o "$out/x" --kit "$work/no-kit"
row "kit that is none" 65 "$work/file" t list --kit "$work/file"
row "store that is none" 66 "no store|No such" t restore archive -o "$out/x" --kit "$TIDEMARK_KIT" --store "$work/out"
row "store of a running site" 73 "$lab/a/store" t restore archive -o "$out/x" --kit "$TIDEMARK_KIT" --store "$lab/a/store"
plain_row "unknown archive, to a pipe" 66 "nothing-of-that-name" t restore nothing-of-that-name -o -
expect "nothing came out of the pipe" [ ! -s "$work/row.out" ]

title "existing output"
echo precious >"$work/precious"
row "existing output" 73 "precious exists" t restore archive -o "$work/precious"
row "a directory as output" 73 "out exists" t restore archive -o "$out"
mkdir "$work/directory"
row "a directory, even with --overwrite" 64 "no regular file" t restore archive -o "$work/directory" --overwrite
expect "it is as it was" [ "$(cat "$work/precious")" = precious ]
expect "and nothing is beside it" [ ! -e "$work/precious.tidemark-part" ]
t restore archive -o "$work/precious" --overwrite >/dev/null
expect "--overwrite replaces it" cmp -s "$work/precious" "$work/file"

title "a source that changes while it is read"
# Primary b is held, so that the push stops reading when its buffers are full: then the file changes.
changes() {
  local name=$1 size=400000000 push code=0
  shift
  random "$size" "$name" >"$work/source"
  kill -STOP "$(pid_of b)"
  t push --name "$name" "$work/source" --json >"$work/$name.json" 2>/dev/null &
  push=$!
  wait_for 30 "$name: the push reads" is_reading "$push"
  "$@"
  kill -CONT "$(pid_of b)"
  wait "$push" || code=$?
  expect "$name: exits 75" [ "$code" -eq 75 ]
  expect "$name: says so, keeps the version" jq -e \
    '.complete == false and .version == 1 and .error.exit == 75 and (.error.message | test("changed while"))' \
    "$work/$name.json"
  expect "$name: list says that it is not complete" jq -e '.[0].complete == false' <(t list "$name" --json)
  row "$name: restore without a version" 66 "$name" t restore "$name" -o "$out/x"
  t restore "$name@1" -o "$work/back" >/dev/null || bad "$name: $name@1 does not restore"
  expect "$name: $name@1 begins as it was read" cmp -s -n 1000000 "$work/back" <(random 1000000 "$name")
  rm -f "$work/back"
}
# The agent has the source open, and has got to its second mebibyte.
is_reading() { [ -d "/proc/$1" ] && sleep 2; }
changes shrinks truncate -s 150000000 "$work/source"
changes grows truncate -s 400000001 "$work/source"
rewrite() { dd if=/dev/zero of="$work/source" bs=1M seek=300 count=1 conv=notrunc status=none; }
changes rewritten rewrite

expect "all was clean at the end: the archive restores" restore_equals archive "$work/file"
done_with_table
