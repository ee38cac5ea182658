"""gpu_check.sh with programs that only pretend: what it makes of their success, failure, silence and delay.

usage: gpu_check_test.py SOURCE_DIR
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(sys.argv.pop(1)).resolve()

LACUNA = """#!/bin/sh
case $1 in
  devices) echo "$FAKE_DEVICES" ;;
  sweep) [ -z "$FAKE_NO_SWEEP" ] || { echo "lacuna: error: unknown command sweep" >&2; exit 2; }
    case $* in *"--epochs 25"*) sleep 0.1 ;; esac ;;
  train)
    while [ "$1" != --out ]; do
      [ "$1" != --device ] || device=$2
      shift
    done
    mkdir -p "$2"
    echo "weights$FAKE_OTHER_BITS" >"$2/model.safetensors"
    [ -z "$FAKE_OTHER_BITS" ] || echo "$2" >>"$2/model.safetensors"
    echo "{\\"training_seconds\\": ${FAKE_SECONDS:-0.9}}"
    echo '{"samples_per_second": 1000}' >"$2/metrics.jsonl" ;;
  eval) case $* in *"--device cpu") echo '{"loss": 10.0}' ;; *) echo "{\\"loss\\": ${FAKE_LOSS:-10.0}}" ;; esac ;;
esac
"""
TESTS = """#!/bin/sh
[ -z "$FAKE_SLEEP" ] || exec sleep "$FAKE_SLEEP"
count=3
for word; do
  case $word in --gtest_filter=*) count=$(echo "$word" | tr ':' '\\n' | wc -l) ;; esac
done
echo "[  PASSED  ] ${FAKE_COUNT:-$count} tests."
exit ${FAKE_STATUS:-0}
"""
SANITIZER = """#!/bin/sh
[ "$1" != --version ] || { echo "Version 1.0"; exit; }
[ "$2" != "$FAKE_FINDING" ] || exit 99
while [ "${1#/}" = "$1" ]; do shift; done
exec "$@"
"""
BENCHMARK = """#!/bin/sh
out=${1#--benchmark_out=}
echo "$FAKE_KERNELS" >"$out"
"""


def case(name, percent, operand_bytes=2**30):
    return {"name": f"{name}/iterations:15/manual_time", "us": 500.0, "bytes": 2**31, "operand_bytes": operand_bytes,
            "GB_per_s": 40.0 * percent, "percent_of_copy": percent, "label": "cold"}


def step(name, step_ms, ratio):
    return {"name": f"training_step/{name}/iterations:15/manual_time", "step_ms": step_ms, "floor_ms": step_ms / ratio,
            "ratio": ratio, "samples_per_second": 2e6}


def context(benchmarks):
    return {"context": {}, "benchmarks": benchmarks}


STEPS = [step("100x196/graph/fp32", 0.028, 1.6), step("100x196/resident/fp32", 0.012, 0.7),
         step("1200x500/graph/tf32", 0.05, 1.4), step("", 0.0019, 0.3) | {"name": "models_at_once/8/100x64/resident/iterations:15"},
         step("", 0.0041, 0.7) | {"name": "models_at_once/8/100x64/graph/iterations:15"},
         {"name": "products/100x196/fp32/iterations:15/manual_time", "step_ms": 0.0211, "default_ms": 0.0280,
          "ratio": 0.754, "label": "nt100x196x784=21.20"},
         {"name": "training_step/1200x500/resident/tf32/iterations:15", "error_occurred": True,
          "error_message": "needs 9 KiB more of shared memory"}]
DEVICE = [{"name": "copy/iterations:15/manual_time", "GB_per_s": 4000.0},
          {"name": "graph_node/programmatic/iterations:15/manual_time", "us": 0.75}]
KERNELS = [case("copy/1", 50), case("softmax/1x1", 85), case("softmax/small", 10, 1000),
           {"name": "too/big/iterations:15", "error_occurred": True, "error_message": "needs 9 GiB"}]
GPU = {"devices": [{"kind": "cuda", "name": "Pretended GPU", "memory": "1 GiB"}], "missing": []}


class GpuCheck(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        self.out = self.place / "out"
        self.program("build/lacuna", LACUNA)
        self.program("build/deep/test_cuda_operation_parity", TESTS)
        self.program("build/deep/test_cuda_run_parity", TESTS)
        for name in ("kernels", "device", "step_cuda"):
            variable = f"FAKE_{name.split('_')[0].upper()}"
            self.program(f"build/bench_{name}", BENCHMARK.replace("FAKE_KERNELS", variable))
        self.program("path/compute-sanitizer", SANITIZER)
        # Without packages, so that the peers are absent whatever this machine has.
        self.program("path/bare_python", f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')

    def program(self, name, text):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def check(self, *arguments, devices=GPU, kernels=KERNELS, steps=STEPS, **variables):
        environment = os.environ | {
            "PATH": f"{self.place}/path:{os.environ['PATH']}", "LACUNA_PYTHON": f"{self.place}/path/bare_python",
            "FAKE_DEVICES": json.dumps(devices), "FAKE_STEP": json.dumps(context(steps)),
            "FAKE_DEVICE": json.dumps(context(DEVICE)),
            "FAKE_KERNELS": json.dumps({"context": {"copy_GB_per_s": "4000.0"}, "benchmarks": kernels}), **variables}
        self.ran = subprocess.run(
            ["bash", SOURCE / "scripts/gpu_check.sh", "--build", self.place / "build", "--out", self.out, *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if (self.out / "gpu_check.json").exists():
            self.report = json.loads((self.out / "gpu_check.json").read_text())
        return self.ran.returncode

    def stages(self, status):
        return [stage["name"] for stage in self.report["stages"] if stage["status"] == status]

    def bars(self, status):
        return [bar["what"] for bar in self.report["bars"] if bar["status"] == status]

    def test_all_passes(self):
        self.assertEqual(self.check(), 0, self.ran.stdout)
        self.assertEqual(self.stages("failed"), [])
        self.assertEqual(self.stages("absent"), ["peers"])
        self.assertEqual(len(self.stages("passed")), 11)
        self.assertEqual(self.bars("missed"), [])
        self.assertEqual(len(self.bars("held")), 10)
        self.assertEqual(self.report["facts"]["device"], "Pretended GPU")
        text = (self.out / "gpu_check.txt").read_text()
        for part in ("Pretended GPU", "85.0 % (softmax/1x1; 0 of 1 below)", "too/big: needs 9 GiB", "gpu_check: passed",
                     "28.00 us", "12.00 us", "1.400 x (graph)", "resident/tf32: needs 9 KiB more", "graph_node/programmatic",
                     "0.0211       0.0280      0.754  nt100x196x784=21.20", "4000 GB/s", "0.75 us", "training_seconds 0.9"):
            self.assertIn(part, text)
        self.assertEqual(sorted(path.name for path in self.out.iterdir()),
                         ["gpu_check.json", "gpu_check.log", "gpu_check.txt"])

    def test_a_failing_test_does_not_stop_the_others(self):
        self.assertEqual(self.check(FAKE_STATUS="1"), 1)
        self.assertEqual(self.stages("failed"), ["test_cuda_operation_parity", "test_cuda_run_parity", "memcheck",
                                                 "racecheck", "synccheck", "initcheck"])
        self.assertEqual(self.stages("passed"), ["bench_device", "training", "programs", "bench_step_cuda", "bench_kernels"])
        self.assertIn("error against the reference, operations and runs", self.bars("missed"))
        self.assertIn("gpu_check: FAILED", self.ran.stdout)

    def test_steps_that_are_too_slow(self):
        slow = [step("100x196/graph/fp32", 0.0301, 1.6), step("100x196/resident/fp32", 0.016, 0.7),
                step("1200x500/graph/tf32", 0.05, 1.6), step("1200x500/resident/tf32", 0.04, 1.51)]
        self.assertEqual(self.check(steps=slow), 1)
        self.assertEqual(self.bars("missed"), ["step 784-196-784, batch 100, fp32, graph engine",
                                               "step 784-196-784, batch 100, fp32, resident engine",
                                               "step 784-500-784, batch 1200, tf32, against its five products in one graph"])
        self.assertIn("1.510 x (resident)", self.ran.stdout)
        self.assertIn("sweep of 8 models 784-64-784, batch 100, fp32", self.bars("not measured"))

    def test_programs_that_are_too_slow(self):
        self.assertEqual(self.check(FAKE_SECONDS="1.01"), 1)
        self.assertEqual(self.bars("missed"), ["100 epochs of MNIST, batch 100: training"])

    def test_a_command_that_is_not_there(self):
        self.assertEqual(self.check(FAKE_NO_SWEEP="1"), 1)
        self.assertEqual(self.stages("failed"), ["programs"])
        self.assertIn("100 epochs of MNIST, batch 100: training", self.bars("held"))
        self.assertIn("unknown command sweep", self.ran.stdout)

    def test_a_finding_of_the_sanitizer(self):
        self.assertEqual(self.check(FAKE_FINDING="racecheck"), 1)
        self.assertEqual(self.stages("failed"), ["racecheck"])

    def test_tests_that_are_not_there(self):
        self.assertEqual(self.check(FAKE_COUNT="0"), 1)
        self.assertEqual(self.stages("failed"), ["memcheck", "racecheck", "synccheck", "initcheck"])

    def test_a_slow_kernel(self):
        self.assertEqual(self.check(kernels=[*KERNELS, case("relu/2x2", 79.9)]), 1)
        self.assertEqual(self.bars("missed"), ["slowest kernel at 1 GiB of operands or more"])
        self.assertIn("79.9 % (relu/2x2; 1 of 2 below)", self.ran.stdout)

    def test_a_benchmark_that_was_stopped(self):
        """What it had finished counts, and figures that are none make no invalid JSON."""
        whole = json.dumps({"context": {}, "benchmarks": [*KERNELS, case("relu/3x3", float("nan"))]})
        self.assertEqual(self.check(kernels=None, FAKE_KERNELS=whole[:-2] + ',\n{"name": "cut'), 1)
        self.assertEqual(self.bars("missed"), ["slowest kernel at 1 GiB of operands or more"])
        self.assertNotIn("NaN", (self.out / "gpu_check.json").read_text())

    def test_other_bits(self):
        self.assertEqual(self.check(FAKE_OTHER_BITS="1"), 1)
        self.assertEqual(self.stages("failed"), ["training"])
        self.assertEqual(self.bars("missed"), ["same seed twice"])

    def test_another_loss(self):
        self.assertEqual(self.check(FAKE_LOSS="10.051"), 1)
        self.assertEqual(self.stages("failed"), [])
        self.assertEqual(self.bars("missed"), ["test loss, GPU against CPU"])

    def test_no_time_left(self):
        self.assertEqual(self.check("--seconds", "5", FAKE_SLEEP="30"), 1)
        self.assertIn("did not end within", self.report["stages"][0]["note"])
        self.assertEqual(self.report["stages"][-2]["note"], "no time was left")

    def test_no_device(self):
        self.assertEqual(self.check(devices={"devices": [], "missing": ["cuda: no NVIDIA driver is installed"]}), 2)
        self.assertEqual(self.ran.stdout,
                         "gpu_check.sh: there is no GPU to check: cuda: no NVIDIA driver is installed\n")

    def test_a_program_is_missing(self):
        (self.place / "build/bench_kernels").unlink()
        self.assertEqual(self.check(), 2)
        self.assertIn("there is no bench_kernels in", self.ran.stdout)

    def test_a_library_is_missing(self):
        self.program("path/ldd", '#!/bin/sh\necho "  libpretended.so.1 => not found"\n')
        self.assertEqual(self.check(), 2)
        self.assertIn("libpretended.so.1, which lacuna needs, is neither in", self.ran.stdout)
        self.program("toolkit/lib64/libpretended.so.1", "")
        self.assertEqual(self.check(CUDA_HOME=str(self.place / "toolkit")), 0, self.ran.stdout)
        self.assertEqual(self.report["facts"]["libraries"], f"{self.place}/toolkit/lib64")


class PeerBars(unittest.TestCase):
    def setUp(self):
        spec = importlib.util.spec_from_file_location("report", SOURCE / "scripts/gpu_check_report.py")
        self.report = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.report)

    def bar(self, peers, batch=100):
        result = {"batch": batch, "hidden": 196, "failed": {},
                  "peers": {name: {"over_lacuna": times} for name, times in peers.items()}}
        return self.report.peer_bar([result], ["torch eager", "torch eager-fused"], 8, "PyTorch eager")

    def test_the_fastest_counts(self):
        self.assertEqual(self.bar({"torch eager": 12.0, "torch eager-fused": 8.0, "jax": 1.0})["status"], "held")
        missed = self.bar({"torch eager": 12.0, "torch eager-fused": 7.9})
        self.assertEqual((missed["status"], missed["measured"]), ("missed", "7.90 x (torch eager-fused)"))

    def test_not_measured(self):
        self.assertEqual(self.bar({"jax": 9.0})["status"], "not measured")
        self.assertEqual(self.bar({"torch eager": 12.0}, batch=1000)["status"], "not measured")
        self.assertEqual(self.report.peer_bar(None, ["torch eager"], 8, "")["status"], "not measured")


unittest.main()
