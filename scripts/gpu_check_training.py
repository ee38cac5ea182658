"""Trains the main job twice on the GPU and once on the CPU, same seed: usage gpu_check_training.py LACUNA RESULT.json

The two must have the same bits; the losses of both devices on test data are written for the report. Exit status 1 where
the bits differ.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TRAINING = ["--data", "synthetic:12000", "--hidden", "196", "--batch", "100", "--epochs", "5", "--seed", "7"]


def lacuna(program, *words):
    done = subprocess.run([program, *words], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"lacuna {' '.join(words)} failed ({done.returncode})")
    return done.stdout


def train(program, device, directory):
    lacuna(program, "train", *TRAINING, "--device", device, "--out", directory)
    evaluated = lacuna(program, "eval", directory, "--data", "synthetic:2000", "--split", "test", "--device", device)
    last = json.loads(Path(directory, "metrics.jsonl").read_text().splitlines()[-1])
    return {"test_loss": json.loads(evaluated)["loss"], "samples_per_second": last["samples_per_second"]}


def main():
    program, result = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        found = {name: train(program, name.split("-")[0], f"{directory}/{name}")
                 for name in ("cuda", "cuda-again", "cpu")}
        models = [Path(directory, name, "model.safetensors").read_bytes() for name in ("cuda", "cuda-again")]
    found["same_bits"] = models[0] == models[1]
    Path(result).write_text(json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))
    sys.exit(0 if found["same_bits"] else 1)


main()
