"""Checks that Lacuna and its peers compute the same step, then times them in turns and prints a table."""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

import workload
from programs import Failed, run, say

HERE = Path(__file__).resolve().parent
SIZES = [(100, 196), (1000, 200), (1200, 500)]
TORCH_VARIANTS = ["eager", "fused", "compiled", "compiled-adam", "max-autotune"]
TOLERANCE = 1e-4


def peer(name, size, threads, *extra):
    script, _, variant = name.partition(" ")
    command = [sys.executable, HERE / f"{script}_step.py", "--batch", size[0], "--hidden", size[1],
               "--threads", threads, *extra]
    if variant:
        command += ["--variant", variant]
    return json.loads(run(command).splitlines()[-1])


def lacuna_check(build, directory, batch, hidden):
    lacuna, images = build / "src/cli/lacuna", f"npy:{directory}/images.npy"
    run([lacuna, "train", "--data", images, "--hidden", hidden, "--batch", batch, "--epochs", 1, "--shuffle", "off",
         "--init", f"{directory}/init.safetensors", "--out", f"{directory}/run"])
    metrics = json.loads(Path(directory, "run/metrics.jsonl").read_text().splitlines()[-1])
    evaluated = json.loads(run([lacuna, "eval", f"{directory}/run", "--data", images, "--limit", batch]))
    return {"mean_loss": metrics["loss"], "loss_after": evaluated["loss"]}


def check(build, size, threads):
    """The same starting weights and consecutive batches: mean loss of 20 steps, and the first batch's loss after."""
    batch, hidden = size
    with tempfile.TemporaryDirectory() as directory:
        np.save(f"{directory}/images.npy", workload.images(workload.CHECKED_STEPS * batch))
        save_file(workload.initial_parameters(hidden), f"{directory}/init.safetensors")
        found = {"lacuna": lacuna_check(build, directory, batch, hidden)}
        for name in ["numpy"] + [f"torch {variant}" for variant in TORCH_VARIANTS]:
            found[name] = peer(name, size, threads, "--check", directory)
    for key in ("mean_loss", "loss_after"):
        for name, losses in found.items():
            off = abs(losses[key] / found["numpy"][key] - 1)
            if not off <= TOLERANCE:
                raise Failed(f"{name} does not compute numpy's step at {batch} x {hidden}: {key} "
                             f"{losses[key]} against {found['numpy'][key]}")
    worst = max(abs(losses[key] / found["numpy"][key] - 1) for losses in found.values() for key in losses)
    say(f"{batch} x {hidden}: all agree within {worst:.1e} (loss {found['lacuna']['loss_after']:.5f})")
    return worst


def lacuna_step(build, size):
    output = run([build / "bench/bench_step", "--benchmark_format=json",
                  f"--benchmark_filter=BM_TrainingStep/{size[0]}/{size[1]}(/.*)?$"])
    return json.loads(output)["benchmarks"][0]


def best_setting(names, size, thread_counts):
    """Name and threads of the fastest, each tried once."""
    trials = {(name, threads): peer(name, size, threads, "--seconds", 1)["step_ms"]
              for name in names for threads in thread_counts}
    for (name, threads), step_ms in trials.items():
        say(f"{size[0]} x {size[1]}: {name}, {threads} threads: {step_ms:.3f} ms")
    return min(trials, key=trials.get)


def compare(build, size, rounds, thread_counts):
    settings = {"numpy": best_setting(["numpy"], size, thread_counts),
                "torch": best_setting([f"torch {variant}" for variant in TORCH_VARIANTS], size, thread_counts)}
    taken = []
    for number in range(rounds):
        ours = lacuna_step(build, size)
        line = {"lacuna": ours["step_ms"], "floor": ours["floor_ms"], "over floor": ours["ratio"]}
        for kind, (name, threads) in settings.items():
            line[kind] = peer(name, size, threads)["step_ms"]
            line[f"{kind} over lacuna"] = line[kind] / line["lacuna"]
        taken.append(line)
        say(f"{size[0]} x {size[1]}, round {number + 1}: " + ", ".join(f"{k} {v:.3f}" for k, v in line.items()))
    median = {key: statistics.median(line[key] for line in taken) for key in taken[0]}
    return median, settings


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def print_table(rows, worst, rounds):
    import torch

    cores = len(os.sched_getaffinity(0))
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    print(f"# One training step, {datetime.date.today()}\n")
    print(f"{processor()}, {cores} cores; Lacuna {commit or 'unknown'}, numpy {np.__version__}, "
          f"PyTorch {torch.__version__}, float32. Medians of {rounds} rounds; ratios are medians of each round's ratio. "
          f"After {workload.CHECKED_STEPS} steps all losses agree within {worst:.1e}.\n")
    print("| batch × input × hidden | Lacuna ms | bare GEMMs ms | step / GEMMs | numpy ms | numpy / Lacuna "
          "| PyTorch ms | PyTorch / Lacuna | peers' settings |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|---|")
    for (batch, hidden), (median, settings) in rows.items():
        used = "; ".join(f"{name}, {threads} thread{'s' if threads > 1 else ''}" for name, threads in settings.values())
        print(f"| {batch} × {workload.FEATURES} × {hidden} | {median['lacuna']:.3f} | {median['floor']:.3f} "
              f"| {median['over floor']:.3f} | {median['numpy']:.3f} | {median['numpy over lacuna']:.2f} "
              f"| {median['torch']:.3f} | {median['torch over lacuna']:.2f} | {used} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="build tree with lacuna and bench_step")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--check-only", action="store_true", help="compare the losses and measure nothing")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    worst = max(check(options.build, size, cores) for size in SIZES)
    if options.check_only:
        return
    rows = {size: compare(options.build, size, options.rounds, sorted({1, cores})) for size in SIZES}
    print_table(rows, worst, options.rounds)


try:
    main()
except Failed as failure:
    sys.exit(f"compare.py: {failure}")
