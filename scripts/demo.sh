#!/usr/bin/env bash
# Installs what is missing, builds the lacuna program, and trains a KL-sparse autoencoder 784-200-784 on MNIST
# (on procedurally drawn digits where MNIST is neither at hand nor downloadable). Result: runs/demo.
#   LACUNA_DATA=DIR  directory that holds mnist/
set -euo pipefail
export LC_ALL=C
if [[ -n ${LACUNA_DATA:-} ]]; then
  LACUNA_DATA=$(realpath -m -- "$LACUNA_DATA")
  export LACUNA_DATA
fi
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly run=runs/demo
readonly lacuna=build/release/src/cli/lacuna

bash scripts/setup.sh build

if [[ ! -f build/release/build.ninja ]]; then
  mkdir -p build
  cmake --preset release -DLACUNA_BUILD_TESTS=OFF -DLACUNA_BUILD_BENCH=OFF >build/release.log ||
    { cat build/release.log; exit 1; }
fi
echo "Building ..."
cmake --build --preset release --target lacuna_cli

if "$lacuna" data info mnist >/dev/null 2>&1 || timeout 90 "$lacuna" data fetch mnist; then
  data=mnist
else
  data=synthetic
  echo "No MNIST at hand and none to be downloaded: training on procedurally drawn digits instead."
fi

"$lacuna" train --data "$data" --hidden 200 --sparsity kl --rho 0.1 --beta 3 --weight-decay 0.001 \
  --epochs 30 --out "$run" --force >/dev/null
evaluation=$("$lacuna" eval "$run" --data "$data" --split test)

# One number out of a flat JSON object, four digits of it.
field() { printf '%.4g' "$(sed -nE "s/.*\"$1\": *([^,}]*).*/\1/p" <<<"$2")"; }
last_epoch=$(tail -n 1 "$run/metrics.jsonl")

cat <<END

A KL-sparse autoencoder 784-200-784 trained on $data for $(field epoch "$last_epoch") epochs:
  training loss          $(field loss "$last_epoch") (mean over the last epoch's steps, the KL penalty of each batch by itself)
  test loss              $(field loss "$evaluation") (of the test set as one batch)
  test reconstruction    $(field reconstruction "$evaluation")
  explained variance     $(field explained_variance "$evaluation")
  mean code activation   $(field mean_activation "$evaluation") (wanted: 0.1)
  speed                  $(printf '%.0f' "$(field samples_per_second "$last_epoch")") images/s
Pictures:
$(for picture in weights input reconstruction; do echo "  $run/$picture.png"; done)
END
