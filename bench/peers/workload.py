"""What every peer does: sizes, images, starting parameters, and how a step is timed."""

import argparse
import gzip
import json
import os
import statistics
import time
from pathlib import Path

RHO, BETA, WEIGHT_DECAY = 0.1, 3.0, 1e-3
CLIP = 2.0**-20
LEARNING_RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
FEATURES = 784
CHECKED_STEPS = 20


def arguments(variants=(), hidden=True):
    """Read before numpy and torch are imported: their thread pools are sized when they load."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, required=True)
    if hidden:
        parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure")
    parser.add_argument("--check", metavar="DIR", help="print the losses of a run on DIR/images.npy from "
                        "DIR/init.safetensors instead of measuring")
    if variants:
        parser.add_argument("--variant", choices=variants, required=True)
    found = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(found.threads)
    os.environ.pop("OPENBLAS_CORETYPE", None)
    return found


def device_arguments(variants=()):
    """Of the peers that run on a GPU. They read DIR/images.npy and DIR/init.safetensors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", metavar="DIR", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script where there is no GPU")
    parser.add_argument("--check", action="store_true", help="run some steps on consecutive batches first and report "
                        "their losses")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure; 0: not at all")
    if variants:
        parser.add_argument("--variant", choices=variants, required=True)
    return parser.parse_args()


def checked_steps(batch, rows):
    return min(CHECKED_STEPS, rows // batch)


def images(rows):
    """uint8 [rows, 784]: MNIST where LACUNA_DATA holds it, else noise, as sparse as MNIST."""
    import numpy as np

    packed = Path(os.environ.get("LACUNA_DATA", "")) / "mnist" / "train-images-idx3-ubyte.gz"
    if packed.is_file():
        with gzip.open(packed) as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, FEATURES)
        return pixels[:rows].copy()
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (rows, FEATURES), np.uint8) * (draw.random((rows, FEATURES)) < 0.2)


def initial_parameters(hidden):
    """Xavier-uniform weights and zero biases, float32, named as in Lacuna's files."""
    import numpy as np

    draw = np.random.default_rng(1)
    bound = (6.0 / (FEATURES + hidden)) ** 0.5
    return {
        "encoder.0.weight": draw.uniform(-bound, bound, (hidden, FEATURES)).astype(np.float32),
        "encoder.0.bias": np.zeros(hidden, np.float32),
        "decoder.0.weight": draw.uniform(-bound, bound, (FEATURES, hidden)).astype(np.float32),
        "decoder.0.bias": np.zeros(FEATURES, np.float32),
    }


def measure(step, seconds):
    """Median milliseconds of a warm step."""
    for _ in range(20):
        step()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 30 or time.perf_counter() < end:
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def measure_epochs(epoch, steps, seconds):
    """Median milliseconds of a warm step; epoch() takes `steps` of them and waits until the device has done them."""
    epoch()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        epoch()
        times.append((time.perf_counter() - begin) / steps)
    return 1e3 * statistics.median(times)


def report(**figures):
    print(json.dumps(figures))
