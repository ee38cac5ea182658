#!/bin/sh
# keep_ptxas_report.sh COMMAND...: runs a compilation of CUDA code. What ptxas reports of registers, shared memory and
# spills goes into OBJECT.ptxas, for scripts/check_spills.py; everything else that the compiler says is passed on.
previous=
object=/dev/null
for word in "$@"; do
  [ "$previous" != -o ] || object=$word
  previous=$word
done
report=$object.ptxas
"$@" 2>"$report"
status=$?
[ ! -s "$report" ] || grep -vE '^ptxas info|bytes stack frame, .* bytes spill' "$report" >&2
exit $status
