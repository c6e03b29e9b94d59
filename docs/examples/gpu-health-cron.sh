#!/usr/bin/env bash
# Takes what `nvidia-smi -q` says of one GPU, and says the three numbers that were published every minute.
text=$(cat)
number() {
  local digits
  digits=$(tr -dc '0-9')
  echo "${digits:-0}"
}
aggregate=$(awk '/^ *Aggregate/ { on = 1; next } /^ *Retired Pages/ { on = 0 } on' <<<"$text")
uncorrectable=$(grep 'DRAM Uncorrectable' <<<"$aggregate" | cut -d: -f2 | number)
correctable=$(grep 'DRAM Correctable' <<<"$aggregate" | cut -d: -f2 | number)
retired=$(grep 'Double Bit ECC' <<<"$text" | cut -d: -f2 | number)
echo "$uncorrectable $correctable $retired"
