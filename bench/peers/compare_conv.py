"""Times the training step of a convolutional autoencoder in Lacuna and in PyTorch on the CPU, in turns, and prints a
table. LACUNA_DATA names the directory that holds mnist/ (otherwise noise with as many zeros)."""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from programs import run, say

HERE = Path(__file__).resolve().parent
VARIANTS = ["eager", "channels-last", "compiled", "compiled-channels-last"]
BATCH = 100


def lacuna_step(build, threads):
    os.environ["OMP_NUM_THREADS"] = str(threads)
    found = json.loads(run([build / "bench/bench_cpu", f"--benchmark_filter=BM_ConvolutionalStep/{BATCH}/",
                            "--benchmark_format=json"]))
    return found["benchmarks"][0]["step_ms"]


def torch_step(variant, threads, seconds):
    found = run([sys.executable, HERE / "torch_conv_step.py", "--batch", BATCH, "--threads", threads, "--seconds",
                 seconds, "--variant", variant])
    return json.loads(found.splitlines()[-1])["step_ms"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build/release")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long PyTorch is measured each time")
    options = parser.parse_args()
    times = {name: [] for name in ["lacuna"] + VARIANTS}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        times["lacuna"].append(lacuna_step(options.build, options.threads))
        for variant in VARIANTS:
            times[variant].append(torch_step(variant, options.threads, options.seconds))
    best = min(VARIANTS, key=lambda name: statistics.median(times[name]))
    print(f"| program | ms a step of {BATCH} samples, {options.threads} threads |\n|---|---|")
    for name, found in times.items():
        print(f"| {name if name == 'lacuna' else 'torch ' + name} | {statistics.median(found):.2f} |")
    ratio = statistics.median(torch / own for torch, own in zip(times[best], times["lacuna"]))
    print(f"\nLacuna's speed is {ratio:.2f} times that of torch {best} (median of the rounds' ratios).")


main()
