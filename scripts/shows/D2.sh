#!/usr/bin/env bash
# An export of receipts in which anything was changed is refused, and what was done to it is named.
# D2_BYTES: changed bytes tried in the evidence (default 200; every byte of the small files).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begin D2 "receipts that were tampered with"

lab_up lab
marker=planted-7b1f
for i in $(seq 20); do
  { random 100000 "D2-$i"; echo "$marker"; } | t push --name "$marker-$i" - >/dev/null
done
sleep 6 # an idle checkpoint names the last receipts
export_dir=$work/export
t rpo export "$export_dir" >"$work/said" 2>&1 || fail "rpo export: $(cat "$work/said")"
cp "$export_dir/keys" "$work/keys"

# verify EXIT [ARGUMENT...]: what rpo-verify says of $dir is in $work/verdict
verify() {
  local want=$1 code=0
  shift
  env -i "$bin" rpo-verify --keys "$work/keys" "$@" "$dir" >"$work/verdict" 2>&1 || code=$?
  [ "$code" -eq "$want" ] || fail "rpo-verify exits $code, not $want: $(tail -n 5 "$work/verdict")"
}
fresh() {
  dir=$work/changed
  rm -rf "$dir"
  cp -r "$export_dir" "$dir"
}

title "nothing of what was archived is in it"
check "files that have the marker of contents and names" "$(grep -rlF "$marker" "$export_dir" "$lab/agent/proof" | wc -l)" -eq 0

title "as it was exported, with no environment and nothing but the directory and keys"
dir=$export_dir
verify 0
verify 0 --full
ok "$(grep 'signatures checked' "$work/verdict")"
code=0
env -i "$bin" rpo-verify "$dir" >"$work/verdict" || code=$?
check "exit code without keys" "$code" -eq 0
grep -q 'not pinned' "$work/verdict" || fail "it does not say that the keys are not pinned"
grep -q 'WHO SIGNED IS NOT PROVED' "$work/verdict" || fail "it does not say that this proves nothing of who signed"
ok "it says: $(grep 'not pinned' "$work/verdict")"

title "the certificates of all that signed, by the authority's"
csplit -s -z -f "$work/certificate-" "$export_dir/certificates.pem" '/BEGIN CERTIFICATE/' '{*}'
check "certificates: authority, agent, three sites" "$(find "$work" -name 'certificate-*' | wc -l)" -eq 5
for certificate in "$work"/certificate-0[1-4]; do
  openssl verify -CAfile "$work/certificate-00" "$certificate" >/dev/null || fail "$certificate is not the authority's"
  key=$(openssl x509 -in "$certificate" -noout -pubkey | openssl pkey -pubin -outform DER | tail -c 32 | od -An -tx1 | tr -d ' \n')
  grep -q " $key\$" "$export_dir/keys" || fail "the key of $certificate is not in keys: $key"
done
ok "each certifies a key of the file keys"

title "a changed byte anywhere"
flips=0
flip() { # FILE OFFSET
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$dir/$1")
  # shellcheck disable=SC2059
  printf "\\x$(printf %x $((byte ^ 16)))" | dd of="$dir/$1" bs=1 seek="$2" conv=notrunc status=none
}
for file in manifest keys ledger.json certificates.pem evidence; do
  size=$(stat -c %s "$export_dir/$file")
  step=$((size / ${D2_BYTES:-200} + 1))
  [ "$file" = evidence ] || step=$((size > 600 ? 13 : 1))
  for ((at = 0; at < size; at += step)); do
    fresh
    flip "$file" "$at"
    verify 65
    flips=$((flips + 1))
  done
done
ok "$flips changed bytes, each refused"
fresh
echo more >"$dir/more"
verify 65
fresh
rm "$dir/certificates.pem"
verify 65
ok "a file too many or too few is refused"

title "receipts tampered with, dropped, repeated, put out of order"
receipts=$("$root/scripts/shows/evidence.py" "$export_dir/evidence" list)
check "receipts of site a" "$receipts" -gt 10
done_to() { # ACT WORD
  local number
  fresh
  number=$("$root/scripts/shows/evidence.py" "$dir/evidence" "$1" $((receipts / 2)))
  verify 65
  grep -q "FOUND $2: site a: receipt $number " "$work/verdict" ||
    fail "$1 of receipt $number is not named: $(grep FOUND "$work/verdict" | head -n 5)"
  ok "$1: $(grep -m 1 "FOUND $2: site a: receipt $number " "$work/verdict")"
}
done_to tamper forged
done_to drop missing
done_to twice duplicated
done_to swap reordered

title "other keys"
fresh
sed -i 's/^site w .*/site w 00000000000000000000000000000000000000000000000000000000000000ff/' "$work/keys"
verify 65
ok "$(grep 'FOUND' "$work/verdict" | cut -c -90)"
say "two histories of one site: replicator_proof_test (Proof.Convicts*), tidemark_sim (act lie)"
shown
