"""Trains a top-k autoencoder of activation vectors with Lacuna and with PyTorch on the CPU, checks that both have the
same losses from the same weights and batches, then times them in turns and prints a table."""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from programs import Failed, run, say

HERE = Path(__file__).resolve().parent
VARIANTS = ["scatter", "scatter-compiled", "bag", "bag-compiled"]
FEATURES, BATCH, CHECKED_STEPS, TOLERANCE = 256, 1024, 20, 1e-4
SIZES = [(2048, 32), (8192, 32)]  # units, kept


def vectors(rows):
    """A few of many directions each, and noise: what sparse autoencoders suppose activations to be."""
    draw = np.random.default_rng(0)
    directions = draw.standard_normal((4 * FEATURES, FEATURES), np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    made = []
    for begin in range(0, rows, 8192):
        count = min(8192, rows - begin)
        active = draw.random((count, len(directions)), np.float32) < 8 / len(directions)
        made.append((active * draw.standard_exponential(active.shape, np.float32)) @ directions)
    return np.concatenate(made) + 0.05 * draw.standard_normal((rows, FEATURES), np.float32)


def initial_parameters(hidden):
    draw = np.random.default_rng(1)
    bound = (6.0 / (FEATURES + hidden)) ** 0.5
    encoder = draw.uniform(-bound, bound, (hidden, FEATURES)).astype(np.float32)
    return {"encoder.0.weight": encoder, "encoder.0.bias": np.zeros(hidden, np.float32),
            "decoder.0.weight": np.ascontiguousarray(encoder.T), "decoder.0.bias": np.zeros(FEATURES, np.float32)}


def lacuna(options, directory, hidden, kept, *extra):
    return json.loads(run([options.build / "src/cli/lacuna", "train", "--data", f"npy:{directory}/vectors.npy", "--hidden",
                           hidden, "--sparsity", "topk", "--k", kept, "--activation", "identity", "--output-activation",
                           "identity", "--loss", "squared", "--weight-decay", 0, "--batch", BATCH, "--threads",
                           options.threads, "--init", f"{directory}/init.safetensors", "--out", f"{directory}/run",
                           "--force", *extra]))


def torch(options, directory, kept, variant, seconds):
    return json.loads(run([sys.executable, HERE / "torch_topk_step.py", "--data", directory, "--batch", BATCH, "--kept",
                           kept, "--threads", options.threads, "--variant", variant, "--seconds",
                           seconds]).splitlines()[-1])


def check(options, directory, hidden, kept, data):
    np.save(f"{directory}/vectors.npy", data[:CHECKED_STEPS * BATCH])
    ours = lacuna(options, directory, hidden, kept, "--epochs", 1, "--shuffle", "off")["loss"]
    for variant in VARIANTS:
        theirs = torch(options, directory, kept, variant, 0)["mean_loss"]
        if not abs(theirs / ours - 1) <= TOLERANCE:
            raise Failed(f"torch {variant} has a mean loss of {theirs}, Lacuna {ours}")
    np.save(f"{directory}/vectors.npy", data)
    say(f"{hidden} units: the losses of {CHECKED_STEPS} steps agree ({ours:.5f})")


def compare(options, hidden, kept, data):
    times = {name: [] for name in ["lacuna"] + VARIANTS}
    with tempfile.TemporaryDirectory() as directory:
        save_file(initial_parameters(hidden), f"{directory}/init.safetensors")
        check(options, directory, hidden, kept, data)
        for number in range(options.rounds):
            done = lacuna(options, directory, hidden, kept, "--epochs", 1)
            times["lacuna"].append(1000 * done["training_seconds"] / done["steps"])
            for variant in VARIANTS:
                times[variant].append(torch(options, directory, kept, variant, options.seconds)["step_ms"])
            say(f"{hidden} units, round {number + 1}: " + ", ".join(f"{k} {v[-1]:.1f}" for k, v in times.items()))
    best = min(VARIANTS, key=lambda name: statistics.median(times[name]))
    ratio = statistics.median(theirs / ours for theirs, ours in zip(times[best], times["lacuna"]))
    cells = [f"{statistics.median(found):.1f}" for found in times.values()]
    return f"| {FEATURES}-{hidden}-{FEATURES}, {kept} kept | {' | '.join(cells)} | {ratio:.2f} ({best}) |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build/release")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long PyTorch is measured each time")
    options = parser.parse_args()
    data = vectors(100 * BATCH)
    rows = [compare(options, hidden, kept, data) for hidden, kept in SIZES]
    print(f"| batch {BATCH}, {options.threads} threads | Lacuna ms a step | "
          + " | ".join(f"torch {variant}" for variant in VARIANTS) + " | torch's best over Lacuna's |")
    print("|---|" + "--:|" * (len(VARIANTS) + 2))
    print("\n".join(rows))


try:
    main()
except Failed as failure:
    sys.exit(f"compare_topk.py: {failure}")
