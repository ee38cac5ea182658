#!/usr/bin/env bash
# Checks and measures a CUDA build on a machine that has a GPU: tests, compute-sanitizer, a training run against the CPU's,
# whole programs, the device's ceilings, steps of every engine, kernels, and PyTorch and JAX beside it where Python has them.
#
#   bash scripts/gpu_check.sh [--build DIR] [--out DIR] [--seconds N]
#
#   --build DIR    a build tree, or any directory that holds its programs (build/cuda-portable, else build/cuda)
#   --out DIR      where gpu_check.txt, gpu_check.json and gpu_check.log go (build/gpu_check)
#   --seconds N    for all of it (470); a stage for which no time is left counts as failed
#   LACUNA_PYTHON  a Python 3; one with numpy, safetensors and torch or jax for the peers (python3)
#
# Needs no CMake: the programs are run as they are. cuBLAS and cuDNN are looked for in the toolkit and in Python's nvidia packages.
# A failing stage does not stop the others. Exit status: 0 all passed, 1 something failed or a bar was missed, 2 nothing
# could be checked.
set -uo pipefail
export LC_ALL=C
started=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 2

die() {
  echo "gpu_check.sh: $*" >&2
  exit 2
}

build='' out=build/gpu_check seconds=470
while (($#)); do
  [[ $# -ge 2 ]] || die "$1 takes a value; usage: gpu_check.sh [--build DIR] [--out DIR] [--seconds N]"
  case $1 in
    --build) build=$(realpath -m -- "$started/$2") && [[ $2 != /* ]] || build=$2 ;;
    --out) out=$(realpath -m -- "$started/$2") && [[ $2 != /* ]] || out=$2 ;;
    --seconds) [[ $2 =~ ^[0-9]+$ ]] || die "--seconds $2 is not a number" && seconds=$2 ;;
    *) die "unknown option $1; usage: gpu_check.sh [--build DIR] [--out DIR] [--seconds N]" ;;
  esac
  shift 2
done
if [[ -z $build ]]; then
  for build in build/cuda-portable build/cuda; do [[ -d $build ]] && break; done
fi
[[ -d $build ]] || die "there is no $build: make it with \"cmake --preset cuda && cmake --build --preset cuda\""
python=${LACUNA_PYTHON:-python3}
"$python" -c '' 2>/dev/null || die "$python does not run; name a Python 3 in LACUNA_PYTHON"

readonly programs=(lacuna test_cuda_operation_parity test_cuda_run_parity bench_device bench_kernels bench_step_cuda)
# One of each variant of a kernel: all of them would take too long under compute-sanitizer.
readonly sanitized=(begin_step fill_uniform gather_uint8_shuffled gather_float32 end_step_of_epoch
  dense_forward_sigmoid_sums_abs_sums dense_forward_relu_sums reconstruction_half_squared_sigmoid_sample_training
  reconstruction_bce_sigmoid_sample_training reconstruction_squared_identity_sum_separate sparsity_penalty_kl
  sparsity_penalty_l1 activation_backward_sigmoid_column_gradient_l1 softmax softmax_cross_entropy_training
  update_parameters_sgd update_parameters_momentum_decay update_parameters_adam_decay gather_uint8_shuffled_labels
  noise_dropout noise_gaussian_in_place top_k top_k_widths activation_backward_identity_kept spread_channels sum_channels
  bias_activation_relu_sums dots combine_in_place decay_gradients)

work=$(mktemp -d) || exit 2
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$work/bin" "$work/logs"
: >"$work/stages.tsv"

fact() { printf '%s\t%s\n' "$1" "$2" >>"$work/facts.tsv"; }

# Directories of the toolkit and of Python's packages that hold a library of this name.
find_library() {
  local roots=(/usr/local/cuda*/lib64 /usr/local/cuda*/targets/*/lib)
  [[ -z ${CUDA_HOME:-} ]] || roots=("$CUDA_HOME"/lib64 "$CUDA_HOME"/targets/*/lib "${roots[@]}")
  mapfile -t -O "${#roots[@]}" roots < <("$python" -c '
import glob, sys
for path in sys.path:
    print(*glob.glob(path + "/nvidia/*/lib"), sep="\n")')
  local root
  for root in "${roots[@]}"; do
    [[ -n $root ]] && compgen -G "$root/$1*" >/dev/null && echo "$root" && return
  done
  return 1
}

# A command for each program under $work/bin, which knows where the libraries are. The peers must not see that: PyTorch
# brings libraries of its own.
find_programs() {
  local name path library directory
  for name in "${programs[@]}"; do
    path=$(find "$(realpath "$build")" -type f -name "$name" -perm -u+x -print -quit)
    [[ -n $path ]] || die "there is no $name in $build: is it a build with CUDA and everything in it?"
    while read -r library; do
      directory=$(find_library "$library") ||
        die "$library, which $name needs, is neither in the CUDA toolkit nor in the nvidia/*/lib of $python"
      [[ :${libraries:-}: == *:$directory:* ]] || libraries=${libraries:+$libraries:}$directory
    done < <(LD_LIBRARY_PATH=${libraries:-}:${LD_LIBRARY_PATH:-} ldd "$path" 2>/dev/null | awk '/not found/ {print $1}')
    cat >"$work/bin/$name" <<END
#!/bin/sh
libraries="${libraries:-}"
[ -z "\$libraries" ] || export LD_LIBRARY_PATH="\$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "$path" "\$@"
END
    chmod +x "$work/bin/$name"
  done
  fact libraries "${libraries:-found by the loader}"
}

find_device() {
  "$work/bin/lacuna" devices --json >"$work/devices.json" 2>"$work/devices.log" ||
    die "lacuna devices failed: $(tail -n 1 "$work/devices.log")"
  "$python" scripts/gpu_check_report.py device "$work/devices.json" >>"$work/facts.tsv" || exit 2
}

note_versions() {
  local commit
  commit=$(git describe --always --dirty 2>/dev/null) || commit=${GPU_CHECK_COMMIT:-unknown}
  fact commit "$commit"
  fact date "$(date -u '+%Y-%m-%d %H:%M UTC')"
  fact build "${build##*/}"
  fact "NVIDIA driver" "$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1)"
  fact compute-sanitizer "$(compute-sanitizer --version 2>/dev/null | grep -m 1 -i version || echo 'not found')"
  fact python "$("$python" --version 2>&1)"
}

record() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$work/stages.tsv"; }

# stage NAME SECONDS COMMAND...: its time is at most that, and what is left of the whole. `expected` is what it must say.
expected=''
stage() {
  local name=$1 limit=$2 left=$((seconds - SECONDS)) begin=$SECONDS status
  shift 2
  ((limit <= left)) || limit=$left
  if ((limit < 3)); then
    record "$name" failed 0 "no time was left"
    return
  fi
  printf '%-28s ' "$name"
  timeout -k 5 "$limit" "$@" >"$work/logs/$name" 2>&1
  status=$?
  case $status in
    0)
      if [[ -z $expected ]] || grep -q -F -- "$expected" "$work/logs/$name"; then
        record "$name" passed $((SECONDS - begin)) ""
      else
        record "$name" failed $((SECONDS - begin)) "did not say \"$expected\""
      fi
      ;;
    124 | 137) record "$name" failed $((SECONDS - begin)) "did not end within $limit s" ;;
    *) record "$name" failed $((SECONDS - begin)) "exit status $status" ;;
  esac
  tail -n 1 "$work/stages.tsv" | cut -f 2-
}

# bench NAME SECONDS: the stage leaves NAME.json.
bench() { stage "$1" "$2" "$work/bin/$1" --benchmark_out="$work/$1.json" --benchmark_out_format=json; }

sanitize() {
  local filter
  filter=$(printf ':*/%s' "${sanitized[@]/%/_on_cuda}" dense_backward_on_cuda_bf16)
  if ! command -v compute-sanitizer >/dev/null; then
    record "$1" failed 0 "there is no compute-sanitizer"
    return
  fi
  # cuBLAS's kernels are not ours to judge, and take long; but what they are given is: memcheck looks at all.
  local ours=(--kernel-name kns=lacuna)
  [[ $1 != memcheck ]] || ours=()
  # Names that fit no test would pass unseen.
  local expected="[  PASSED  ] $((${#sanitized[@]} + 1)) tests"
  stage "$1" "$2" compute-sanitizer --tool "$1" --target-processes all --error-exitcode 99 "${ours[@]}" \
    "$work/bin/test_cuda_operation_parity" --gtest_filter="${filter#:}"
}

peers() {
  local limit=$(($1 < seconds - SECONDS ? $1 : seconds - SECONDS))
  if ! "$python" -c 'import importlib.util as u, numpy, safetensors; exit(not (u.find_spec("torch") or u.find_spec("jax")))' \
    2>/dev/null; then
    record peers absent 0 "$python has no numpy and safetensors with torch or jax"
    return
  fi
  stage peers "$limit" "$python" bench/peers/compare_cuda.py --lacuna "$work/bin/lacuna" \
    --bench-step "$work/bin/bench_step_cuda" --sizes 100x196 --rounds 1 --time $((limit - 5)) --json "$work/peers.json"
}

PATH=$PATH:/usr/local/cuda/bin
find_programs
find_device
note_versions
export OMP_WAIT_POLICY=passive PYTHONUNBUFFERED=1

# Together less than all of the time, so that each gets its turn; the peers, which compile, take what is left.
stage test_cuda_operation_parity 50 "$work/bin/test_cuda_operation_parity"
stage test_cuda_run_parity 35 "$work/bin/test_cuda_run_parity"
bench bench_device 15
stage training 40 "$python" scripts/gpu_check_training.py "$work/bin/lacuna" "$work/training.json"
stage programs 30 "$python" scripts/gpu_check_programs.py "$work/bin/lacuna" "$work/programs.json"
bench bench_step_cuda 50
bench bench_kernels 60
sanitize memcheck 45
sanitize racecheck 35
sanitize synccheck 25
sanitize initcheck 25
peers 200

mkdir -p "$out"
for log in "$work"/logs/*; do
  printf '== %s\n' "${log##*/}"
  tail -c 200000 "$log"
done >"$out/gpu_check.log"
"$python" scripts/gpu_check_report.py report "$work" "$out"
