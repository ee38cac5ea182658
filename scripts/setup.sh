#!/usr/bin/env bash
# Installs the Debian 12 or Ubuntu 24.04 packages that are missing, after saying which and what for.
#   setup.sh build   what building and running Lacuna needs
#   setup.sh test    that, and what the tests, the checks and the benchmarks need
#   setup.sh cuda    installs nothing: names the CUDA compiler that a build would take, or says how to get one
# Silent where nothing is missing. Exit status 2: something is missing and nobody here may install it.
set -euo pipefail

build_packages=(
  "g++                   C++20 compiler"
  "cmake                 configures the build"
  "ninja-build           runs the build"
  "libdnnl-dev           oneDNN: matrix products"
  "ocl-icd-opencl-dev    oneDNN's CMake files look for OpenCL"
  "libfmt-dev            messages"
  "nlohmann-json3-dev    model headers, metrics"
  "libcli11-dev          command line"
  "libtomlplusplus-dev   configuration files"
  "zlib1g-dev            gzipped data"
  "libpng-dev            pictures"
  "libjpeg-dev           libjpeg-turbo: JPEG images as data"
  "libssl-dev            SHA-256 of downloads"
  "libcurl4-openssl-dev  downloads"
  "ca-certificates       downloads by https"
)
test_packages=(
  "libgtest-dev          GoogleTest: the tests"
  "libgmock-dev          GoogleTest: matchers"
  "libbenchmark-dev      Google Benchmark: the benchmarks"
  "gcovr                 line coverage"
  "clang-format          layout of the code"
  "clang-tidy            static analysis"
  "binutils              names of CUDA kernels"
  "python3               registers and spills of CUDA kernels"
  "g++-aarch64-linux-gnu the CUDA emulator's tests on AArch64"
  "qemu-user             runs them"
  "googletest            GoogleTest's sources, for them"
)
# Ubuntu has it as a snap only, which cannot be installed everywhere: there the test is registered if it is found.
if grep -qs '^ID=debian' /etc/os-release; then
  test_packages+=("chromium              report pages in a browser")
fi

# The compiler is NVIDIA's and so are the packages; which repository to add is for the machine's owner to decide.
explain_cuda() {
  local nvcc
  if nvcc=$(command -v "${CUDACXX:-nvcc}"); then
    echo "$nvcc: $("$nvcc" --version | grep -oE 'release .*')"
    exit 0
  fi
  cat >&2 <<'TEXT'
There is no nvcc, so the CUDA backend cannot be built; everything else can.

Debian 12 and Ubuntu 24.04: add NVIDIA's package repository for the distribution (the package cuda-keyring does that;
NVIDIA's "CUDA Toolkit Downloads" page has it and the two commands for each distribution), then, as root:

  apt-get update && apt-get install -y cuda-toolkit-13-0 libcudnn9-dev-cuda-13

The toolkit lies in /usr/local/cuda; put /usr/local/cuda/bin into PATH or set CUDACXX. Version 12.4 or newer is needed.
Compiling needs no GPU and no driver; running needs a driver that knows the toolkit's version.
TEXT
  exit 2
}

case "${1:-build}" in
  build) wanted=("${build_packages[@]}") ;;
  test) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
  cuda) explain_cuda ;;
  *) echo "setup.sh: unknown set \"$1\"; known: build, test, cuda" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup.sh knows Debian and Ubuntu only; elsewhere install the counterparts of: ${wanted[*]%% *}" >&2
  exit 2
fi

installed=" $(dpkg-query -W -f '${Package}:${db:Status-Status} ' "${wanted[@]%% *}" 2>/dev/null || true) "
missing=()
reasons=()
for entry in "${wanted[@]}"; do
  package=${entry%% *}
  if [[ $installed != *" $package:installed "* ]]; then
    missing+=("$package")
    reasons+=("  $entry")
  fi
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

{
  echo "Lacuna needs ${#missing[@]} packages that are not installed:"
  printf '%s\n' "${reasons[@]}"
} >&2

install="apt-get install -y --no-install-recommends ${missing[*]}"
cannot_install() {
  echo "$1 Have this run as root, then start again:" >&2
  echo "apt-get update && $install" >&2
  exit 2
}

as_root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo >/dev/null || cannot_install "This needs root, and there is no sudo."
  # Only a person at a terminal can be asked for a password.
  if [[ -t 0 && -t 2 ]]; then ask=(); else ask=(-n); fi
  sudo "${ask[@]}" true || cannot_install "This needs root, and sudo refused."
  as_root=(sudo "${ask[@]}")
fi
echo "Installing them with apt-get." >&2
as_root+=(env DEBIAN_FRONTEND=noninteractive)
"${as_root[@]}" apt-get update -q >&2 || echo "apt-get update failed; trying with the package lists at hand." >&2
# shellcheck disable=SC2086
if ! "${as_root[@]}" $install >&2; then
  echo "setup.sh: the installation failed; the reason stands above. The line was: $install" >&2
  exit 1
fi
