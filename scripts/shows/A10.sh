#!/usr/bin/env bash
# strace of a 1 GiB push: no read, write, fsync, send, recv calls on data descriptors; io_uring does it all.
# A10_BYTES: of the push (default 1 GiB).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin A10 "the data path makes no data calls"

bytes=${A10_BYTES:-1073741824}
command -v strace >/dev/null || fail "strace is needed: scripts/setup"
random "$bytes" A10 >"$work/archive"
lab_up lab
daemons=(agent a b w)

# Every call of every thread, with what its descriptors are, and the counts of -c at the end.
strace_all() {
  local who
  tracers=()
  for who in "${daemons[@]}"; do
    "${runner[@]}" strace -f -yy -C -s 0 -o "$work/trace-$who" -p "$(pid_of "$who")" 2>"$work/strace-$who.err" &
    tracers+=($!)
  done
  for who in "${daemons[@]}"; do
    wait_for 20 "strace attaches to $who" file_says "$work/strace-$who.err" attached
  done
}
strace_end() {
  local pid
  for pid in "${tracers[@]}"; do kill -INT "$pid"; done
  for pid in "${tracers[@]}"; do wait "$pid" || true; done
}

title "a push of $(mib "$bytes") under strace"
strace_all
t push --wait all "$work/archive" --json >"$work/push.json"
strace_end
jq -e --argjson n "$bytes" '.source_bytes == $n and .new_bytes == $n' "$work/push.json" >/dev/null
ok "pushed: $(jq -c '{source_bytes, stored_bytes, chunks}' "$work/push.json")"

# Calls that move or flush a descriptor's bytes. What each of them was given, by kind of descriptor:
# wake-ups (eventfd, pipe, signalfd), log lines (DIR/*/log), RocksDB's own files (DIR/agent/index),
# directories (their entries are flushed when a file is made; there is nothing to read or write in one).
# All else is data: sockets to sites and callers, store files, state files, the source.
moves='read|readv|pread64|preadv|preadv2|write|writev|pwrite64|pwritev|pwritev2'
moves+='|fsync|fdatasync|sync_file_range|syncfs|sync|msync'
moves+='|sendto|sendmsg|sendmmsg|recvfrom|recvmsg|recvmmsg|sendfile|splice|tee|vmsplice|copy_file_range'
classify() {
  sed -nE "s/^[0-9]+ +($moves)\(([0-9]+<.*)$/\1 \2/p" "$1" | awk -v lab="$lab" -v list="$work/directories" '
    BEGIN { while ((getline path <list) > 0) directory[path] = 1 }
    { call = $1; sub(/^[^ ]+ /, "")
      if ($0 ~ /^[0-9]+<(anon_inode:)?\[?(eventfd|signalfd)/ || $0 ~ /^[0-9]+<pipe:/) kind = "wake-up"
      else if (index($0, "<" lab "/agent/index/")) kind = "rocksdb"
      else if ($0 ~ ("^[0-9]+<" lab "/(a|b|w|agent)/log>")) kind = "log"
      else if (match($0, /^[0-9]+<[^>]*>/) && substr($0, index($0, "<") + 1, RLENGTH - index($0, "<") - 1) in directory) kind = "directory"
      else { kind = "DATA"; print "DATA " call " " substr($0, 1, 120) > "/dev/stderr" }
      n[kind " " call]++ }
    END { for (k in n) print k, n[k] }' | sort
}
find "$lab" -type d >"$work/directories"
for who in "${daemons[@]}"; do
  title "$who: calls by count (strace -c), the first lines"
  sed -n '/^% time/,$p' "$work/trace-$who" | head -n 14
  title "$who: calls that move or flush bytes, by what they touch"
  classify "$work/trace-$who" >"$work/classes" 2>"$work/data-$who"
  cat "$work/classes"
  [ -s "$work/classes" ] || echo "none"
  # The filter misses nothing: the table of -c has no call of these that it did not classify.
  counted=$(sed -n '/^% time/,$p' "$work/trace-$who" | awk -v moves="^($moves)$" '$NF ~ moves { n += $4 } END { print n + 0 }')
  classed=$(awk '{ n += $3 } END { print n + 0 }' "$work/classes")
  check "$who: classified, of $counted that -c counted" "$classed" -ge "$counted"
  if [ -s "$work/data-$who" ]; then
    sort "$work/data-$who" | uniq -c | sort -rn | head -n 10
    fail "$who made $(wc -l <"$work/data-$who") such calls on data descriptors"
  fi
  ok "$who: 0 on data descriptors"
  uring=$(grep -cE '^[0-9]+ +io_uring_enter\(' "$work/trace-$who" || true)
  check "$who: io_uring_enter" "$uring" -ge 1
done
shown
