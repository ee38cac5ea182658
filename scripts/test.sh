#!/usr/bin/env bash
# Installs what is missing, builds, checks and tests everything. Prints ctest's summaries and the coverage last. In turn:
#   layout      clang-format
#   optimised   all tests in a release build; where nvcc is found, that build has the CUDA backend for every architecture
#               and its GPU tests and benchmarks, which are compiled but not run, and no kernel may spill unlisted
#   analysis    clang-tidy
#   sanitize    all tests under AddressSanitizer and UndefinedBehaviorSanitizer, line coverage
#   simt        the CUDA backend on the emulator under both, and the emulator's own tests; line coverage of the backend
#   LACUNA_DATA=DIR  directory that holds mnist/: tests on real MNIST are registered too
#   LACUNA_WERROR=ON warnings are errors, as in CI
set -euo pipefail
export LC_ALL=C
[[ -z ${LACUNA_DATA:-} ]] || LACUNA_DATA=$(realpath -m -- "$LACUNA_DATA")
export LACUNA_DATA=${LACUNA_DATA:-}
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly lowest_coverage=90 lowest_cuda_coverage=95
jobs=$(nproc)
readonly jobs
# Layout and findings differ between versions, so the checks hold for the version that CI has.
readonly clang_tools_version=14
summary=()

say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

has_version() {
  local found
  found=$("$1" --version 2>/dev/null | grep -oE 'version [0-9]+' | grep -oE '[0-9]+') || found=none
  [[ $found == "$clang_tools_version" ]] && return
  summary+=("$1 $found: not checked with it, the checks are written for version $clang_tools_version")
  return 1
}

check_layout() {
  has_version clang-format || return 0
  say "clang-format"
  find include src cuda tests bench -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' |
    xargs clang-format --dry-run --Werror
}

# Every file that a build compiles as C++, but for tests other than the emulator's: analyse BUILD DIRECTORY...
analyse() {
  local build=$1
  shift
  has_version clang-tidy || return 0
  say "clang-tidy: $*"
  # Largest first, so that no processor waits at the end.
  find "$@" -name '*.cpp' -printf '%s %p\n' | sort -rn | cut -d' ' -f2 |
    xargs -P "$jobs" -n 1 clang-tidy -p build/"$build" --quiet 2> >(grep -vE '^[0-9]+ warnings? generated' >&2)
}

build() {
  say "build: $1"
  cmake --preset "$1" -DLACUNA_DATA="$LACUNA_DATA" "${launchers[@]}" >build/"$1".log ||
    { cat build/"$1".log; return 1; }
  cmake --build --preset "$1" -j "$jobs"
}

run_tests() {
  say "tests: $1"
  # Several tests share the cores, so waiting threads must not spin.
  OMP_WAIT_POLICY=passive ctest --preset "$1" --no-tests=error -j "$jobs" --progress "${@:2}" |
    tee build/"$1"_tests.log || return 1
  summary+=("$1: $(grep -E 'tests passed' build/"$1"_tests.log)")
}

# The optimised build, with the CUDA backend where it can be compiled, so that nothing is compiled twice.
choose_optimised_preset() {
  if bash scripts/setup.sh cuda >/dev/null 2>&1; then
    optimised=cuda
  else
    optimised=release
    summary+=("CUDA: not compiled, there is no nvcc; \"bash scripts/setup.sh cuda\" says how to get it")
  fi
}

check_spills() {
  [[ $optimised == cuda ]] || return 0
  say "registers and spills"
  python3 scripts/check_spills.py build/cuda
  summary+=("CUDA: library, tests and benchmarks compiled, no kernel spills unlisted")
}

# LeakSanitizer stops the threads with ptrace, which some containers forbid.
choose_leak_detection() {
  if build/sanitize/src/cli/lacuna --version 2>&1 | grep -q 'LeakSanitizer has encountered a fatal error'; then
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
    summary+=("sanitize: this system does not let LeakSanitizer work, leaks were not looked for")
  fi
}

# measure_coverage PRESET LOWEST DIRECTORY...
measure_coverage() {
  local preset=$1 lowest=$2 status=0
  shift 2
  say "coverage: $*"
  gcovr --root . "${@/#/--filter=}" --object-directory build/"$preset" -j "$jobs" --fail-under-line "$lowest" \
    --print-summary build/"$preset" >build/"$preset"_coverage.txt || status=$?
  cat build/"$preset"_coverage.txt
  summary+=("$(grep -E '^lines:' build/"$preset"_coverage.txt || echo 'lines: unknown') of $* covered")
  [[ $status -eq 0 ]] || summary+=("the line coverage of $* must be at least $lowest%")
  return "$status"
}

# test_instrumented PRESET LOWEST_COVERAGE DIRECTORY...
test_instrumented() {
  find build/"$1" -name '*.gcda' -delete
  run_tests "$1"
  measure_coverage "$@"
}

finish() {
  local status=$?
  printf '\n'
  [[ ${#summary[@]} -eq 0 ]] || printf '%s\n' "${summary[@]}"
  [[ $status -eq 0 ]] || echo "test.sh FAILED (exit status $status, $SECONDS s)"
}
trap finish EXIT

bash scripts/setup.sh test
mkdir -p build
launchers=()
if command -v ccache >/dev/null; then
  launchers=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
fi
if [[ -z $LACUNA_DATA ]]; then
  echo "Tests on real MNIST are not registered: LACUNA_DATA is not set."
elif ! compgen -G "$LACUNA_DATA/mnist/train-images*" >/dev/null; then
  echo "Tests on real MNIST are not registered: there is no MNIST in $LACUNA_DATA/mnist."
fi

if ! command -v chromium chromium-browser google-chrome-stable google-chrome >/dev/null; then
  summary+=("report pages: not looked at in a browser, there is no chromium")
fi
if ! python3 -c 'import tensorboard' 2>/dev/null; then
  summary+=("event files: not read by TensorBoard, python3 has no tensorboard")
fi

check_layout
choose_optimised_preset
build "$optimised"
check_spills
analyse "$optimised" src
run_tests "$optimised"

build sanitize
choose_leak_detection
test_instrumented sanitize "$lowest_coverage" src include

build simt
# Not the emulator itself: clang 14 has no std::source_location.
analyse simt cuda tests/simt/runtime
test_instrumented simt "$lowest_cuda_coverage" cuda
summary+=("everything passed in $SECONDS s")
