"""Times full-batch gradient descent as the recipe full-batch does it, in Lacuna and in numpy, in turns, and prints a
table. Both start from the same weights, and must have the same loss in every one of the first steps. LACUNA_DATA names
the directory that holds mnist/ (otherwise noise with as many zeros)."""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

import workload
from programs import Failed, run, say

HERE = Path(__file__).resolve().parent
IMAGES, HIDDEN, LEARNING_RATE = 10_000, 200, 3e-3
# From N(0, 1) weights most units are saturated, and roundings grow about tenfold with every five steps.
CHECKED_STEPS, TOLERANCE = 5, 1e-4


def warmup(steps):
    """The recipe's 50 of 300 steps."""
    return steps // 6


def write_start(directory):
    draw = np.random.default_rng(1)
    np.save(f"{directory}/images.npy", workload.images(IMAGES))
    save_file({name: draw.standard_normal(value.shape, np.float32) if name.endswith("weight") else value
               for name, value in workload.initial_parameters(HIDDEN).items()}, f"{directory}/init.safetensors")


def train_lacuna(lacuna, directory, steps, threads):
    run([lacuna, "train", "--data", f"npy:{directory}/images.npy", "--hidden", HIDDEN, "--init",
         f"{directory}/init.safetensors", "--loss", "squared", "--reduction", "sum", "--sparsity", "none",
         "--weight-decay", 0, "--optimizer", "sgd", "--lr", LEARNING_RATE, "--warmup", warmup(steps),
         "--lr-schedule", "cosine", "--lr-factor", 0.1, "--batch", IMAGES, "--shuffle", "off",
         "--epochs", steps, "--keep-checkpoints", 1, "--threads", threads, "--out", f"{directory}/run", "--force"])
    lines = [json.loads(line) for line in Path(directory, "run/metrics.jsonl").read_text().splitlines()]
    return {"sums": [line["reconstruction"] for line in lines], "seconds": sum(line["seconds"] for line in lines)}


def train_numpy(directory, steps, threads):
    found = run([sys.executable, HERE / "numpy_full_batch.py", "--data", directory, "--steps", steps, "--lr",
                 LEARNING_RATE, "--warmup", warmup(steps), "--threads", threads])
    return json.loads(found.splitlines()[-1])


def require_same(ours, numpy, steps):
    off = max(abs(a / b - 1) for a, b in zip(ours["sums"][:steps], numpy["sums"][:steps]))
    if not off <= TOLERANCE:
        raise Failed(f"the sums of the first {steps} steps differ by {off:.1e}")
    say(f"the sums of the first {steps} steps agree within {off:.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build/release")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    times = {"lacuna": [], "numpy": []}
    with tempfile.TemporaryDirectory() as directory:
        write_start(directory)
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            ours = train_lacuna(options.build / "src/cli/lacuna", directory, options.steps, options.threads)
            numpy = train_numpy(directory, options.steps, options.threads)
            require_same(ours, numpy, min(options.steps, CHECKED_STEPS))
            times["lacuna"].append(ours["seconds"])
            times["numpy"].append(numpy["seconds"])
    print(f"| program | seconds for {options.steps} steps of {IMAGES} samples, {options.threads} threads |\n|---|---|")
    for name, found in times.items():
        print(f"| {name if name == 'lacuna' else 'numpy ' + np.__version__} | {statistics.median(found):.2f} |")
    ratio = statistics.median(a / b for a, b in zip(times["numpy"], times["lacuna"]))
    print(f"\nnumpy takes {ratio:.2f} times as long (median of the rounds' ratios).")


try:
    main()
except Failed as error:
    sys.exit(f"compare_full_batch.py: {error}")
