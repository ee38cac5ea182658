"""Times whole programs on the GPU: usage gpu_check_programs.py LACUNA RESULT.json

  epochs   100 epochs of MNIST (else of as many drawn digits), 784-196-784 in batches of 100: seconds of the program, and
           of its training
  sweep    eight models 784-64-784 in batches of 100 at once: microseconds per model and step, from the difference between
           a long sweep and a short one, so that beginning and ending do not count

What the program does not know, or fails at, is written down with the reason; the exit status is 1 then.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAMPLES, BATCH, MODELS = 60000, 100, 8
SHORT, LONG = 5, 25


class Failed(Exception):
    pass


def data():
    mnist = Path(os.environ.get("LACUNA_DATA", "/nonexistent"), "mnist")
    return "mnist" if mnist.is_dir() else f"synthetic:{SAMPLES}"


def lacuna(program, *words):
    """What it prints, and the seconds it took."""
    begin = time.perf_counter()
    done = subprocess.run([program, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise Failed(f"lacuna {words[0]} failed ({done.returncode}): {last[0]}")
    return done.stdout, time.perf_counter() - begin


def epochs(program, directory):
    printed, seconds = lacuna(program, "train", "--data", data(), "--hidden", 196, "--batch", BATCH, "--epochs", 100,
                              "--device", "cuda", "--keep-checkpoints", 1, "--out", f"{directory}/epochs")
    return {"data": data(), "seconds": seconds, "training_seconds": json.loads(printed)["training_seconds"]}


def sweep(program, directory):
    def seconds(epochs):
        return lacuna(program, "sweep", "--grid", "seed=" + ",".join(map(str, range(MODELS))), "--data", data(),
                      "--hidden", 64, "--batch", BATCH, "--epochs", epochs, "--device", "cuda", "--keep-checkpoints", 1,
                      "--jobs", MODELS, "--out", f"{directory}/sweep-{epochs}")[1]

    more = seconds(LONG) - seconds(SHORT)
    if more <= 0:
        raise Failed(f"{LONG} epochs of a sweep took no longer than {SHORT}")
    return {"models": MODELS, "us_per_model_step": 1e6 * more / ((LONG - SHORT) * MODELS * SAMPLES // BATCH)}


def main():
    program, result = sys.argv[1:]
    found = {}
    with tempfile.TemporaryDirectory() as directory:
        for name, measure in (("epochs", epochs), ("sweep", sweep)):
            try:
                found[name] = measure(program, directory)
            except Failed as failure:
                found[name] = {"failed": str(failure)}
            Path(result).write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))
    sys.exit(1 if any("failed" in figures for figures in found.values()) else 0)


main()
