#!/usr/bin/env bash
# Cross-compiles the emulator with its tests for AArch64, without sanitizers, and runs them under qemu-user. Unoptimised
# and as a few large units: that takes a quarter of the time, and what is tested is the same.
#   aarch64.sh [build directory]
set -euo pipefail
source_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
build_dir=${1:-$source_dir/../../build/simt-aarch64}
emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi

cmake -S "$source_dir" -B "$build_dir" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DSIMT_ONE_UNIT=ON \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 "${launcher[@]}" \
  -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DCMAKE_CROSSCOMPILING_EMULATOR="$emulator;-L;/usr/aarch64-linux-gnu" -DSIMT_GOOGLETEST=/usr/src/googletest
cmake --build "$build_dir" -j "$(nproc)"
for tests in simt_device simt_runtime; do
  "$emulator" -L /usr/aarch64-linux-gnu "$build_dir/tests/$tests" --gtest_brief=1
done
