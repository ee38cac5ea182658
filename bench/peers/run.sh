#!/usr/bin/env bash
# Measures Lacuna's training step beside numpy's and PyTorch's and prints one table, as Markdown.
#   LACUNA_PYTHON=PROGRAM  a Python with numpy, torch and safetensors (python3)
#   LACUNA_DATA=DIR        directory that holds mnist/ (otherwise noise with as many zeros: they change the time)
# Options are those of compare.py.
set -euo pipefail
[[ -z ${LACUNA_DATA:-} ]] || LACUNA_DATA=$(realpath -m -- "$LACUNA_DATA")
export LACUNA_DATA=${LACUNA_DATA:-}
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

python=${LACUNA_PYTHON:-python3}
if ! "$python" -c 'import numpy, torch, safetensors' 2>/dev/null; then
  echo "run.sh: $python lacks numpy, torch or safetensors; name one that has them in LACUNA_PYTHON" >&2
  exit 2
fi
[[ -f build/release/build.ninja ]] || cmake --preset release >&2
cmake --build --preset release --target lacuna_cli bench_step >&2
# Makes OpenBLAS take every processor for one model, and mostly a slower one.
unset OPENBLAS_CORETYPE
exec "$python" bench/peers/compare.py --build build/release "$@"
