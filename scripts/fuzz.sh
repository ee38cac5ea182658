#!/usr/bin/env bash
# Fuzzes the file parsers with libFuzzer: scripts/fuzz.sh [SECONDS] [FORMAT...]
#   SECONDS  for each parser (60)    FORMAT  safetensors npy idx gzip image (all)
# Needs clang, cmake, ninja, and the development packages of fmt, nlohmann-json, zlib, libpng and libjpeg. The corpus grows in
# build/fuzz/corpus and is used again; what made a parser fail is kept in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "fuzz.sh: seconds must be a whole number above 0, not \"$seconds\"" >&2
  exit 2
fi
shift || true
formats=("$@")
((${#formats[@]})) || formats=(safetensors npy idx gzip image)
for format in "${formats[@]}"; do
  if ! [[ -f tests/fuzz/fuzz_$format.cpp ]]; then
    echo "fuzz.sh: unknown format \"$format\"; known: safetensors npy idx gzip image" >&2
    exit 2
  fi
done
if ! command -v clang++ > /dev/null; then
  echo "fuzz.sh: clang++ is missing; install it with: apt-get install clang" >&2
  exit 2
fi

build=build/fuzz
cmake -S tests/fuzz -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++ > /dev/null
cmake --build "$build"
mkdir -p "$build/findings"
"$build/make_seeds" "$build/seeds"

status=0
for format in "${formats[@]}"; do
  corpus=$build/corpus/$format
  mkdir -p "$corpus"
  echo "fuzz.sh: $format for $seconds s"
  if ! "$build/fuzz_$format" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -max_len=4096 \
      -print_final_stats=1 -artifact_prefix="$build/findings/$format-" "$corpus" "$build/seeds/$format" \
      > "$build/$format.log" 2>&1; then
    status=1
    echo "fuzz.sh: $format FAILED; log: $build/$format.log; inputs: $build/findings/$format-*" >&2
    tail -n 40 "$build/$format.log" >&2
  else
    grep -E "number_of_executed_units|average_exec_per_sec" "$build/$format.log"
  fi
done
exit $status
