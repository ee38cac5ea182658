#!/usr/bin/env bash
# Installs what is missing, builds, checks and tests everything: layout, static analysis, all tests in a release build,
# all tests under AddressSanitizer and UndefinedBehaviorSanitizer, line coverage. Prints ctest's summaries and the
# coverage last.
#   LACUNA_DATA=DIR  directory that holds mnist/: tests on real MNIST are registered too
#   LACUNA_WERROR=ON warnings are errors, as in CI
set -euo pipefail
export LC_ALL=C
[[ -z ${LACUNA_DATA:-} ]] || LACUNA_DATA=$(realpath -m -- "$LACUNA_DATA")
export LACUNA_DATA=${LACUNA_DATA:-}
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly lowest_coverage=90
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

sources() { find include src tests bench -name '*.h' -o -name '*.cpp' | sort; }

check_layout() {
  has_version clang-format || return 0
  say "clang-format"
  sources | xargs clang-format --dry-run --Werror
}

analyse() {
  has_version clang-tidy || return 0
  say "clang-tidy"
  # Every file of the library and the program, largest first so that no processor waits at the end.
  find src -name '*.cpp' -printf '%s %p\n' | sort -rn | cut -d' ' -f2 |
    xargs -P "$jobs" -n 1 clang-tidy -p build/release --quiet 2> >(grep -vE '^[0-9]+ warnings? generated' >&2)
}

build() {
  say "build: $1"
  cmake --preset "$1" -DLACUNA_DATA="$LACUNA_DATA" >build/"$1".log || { cat build/"$1".log; return 1; }
  cmake --build --preset "$1" -j "$jobs"
}

run_tests() {
  say "tests: $1"
  # Several tests share the cores, so waiting threads must not spin.
  OMP_WAIT_POLICY=passive ctest --preset "$1" --no-tests=error -j "$jobs" --progress |
    tee build/"$1"_tests.log || return 1
  summary+=("$1: $(grep -E 'tests passed' build/"$1"_tests.log)")
}

# LeakSanitizer stops the threads with ptrace, which some containers forbid.
choose_leak_detection() {
  if build/sanitize/src/cli/lacuna --version 2>&1 | grep -q 'LeakSanitizer has encountered a fatal error'; then
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
    summary+=("sanitize: this system does not let LeakSanitizer work, leaks were not looked for")
  fi
}

measure_coverage() {
  say "coverage"
  local status=0
  gcovr --root . --filter src/ --filter include/ --object-directory build/sanitize -j "$jobs" \
    --fail-under-line "$lowest_coverage" --print-summary build/sanitize >build/coverage.txt || status=$?
  cat build/coverage.txt
  summary+=("$(grep -E '^lines:' build/coverage.txt || echo 'lines: unknown') of src/ and include/ covered")
  [[ $status -eq 0 ]] || summary+=("the line coverage must be at least $lowest_coverage%")
  return "$status"
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
if [[ -z $LACUNA_DATA ]]; then
  echo "Tests on real MNIST are not registered: LACUNA_DATA is not set."
elif ! compgen -G "$LACUNA_DATA/mnist/train-images*" >/dev/null; then
  echo "Tests on real MNIST are not registered: there is no MNIST in $LACUNA_DATA/mnist."
fi

check_layout
build release
analyse
run_tests release

build sanitize
find build/sanitize -name '*.gcda' -delete
choose_leak_detection
run_tests sanitize
measure_coverage
summary+=("everything passed in $SECONDS s")
