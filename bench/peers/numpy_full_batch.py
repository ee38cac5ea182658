"""Full-batch gradient descent on the sum of squared errors in float32 numpy, in place wherever a careful user would work
in place. The rate rises within WARMUP steps to LR and falls along a cosine to a tenth of it. Reads DIR/images.npy and
DIR/init.safetensors; prints the sum before each step and the seconds of all steps."""

import argparse
import math
import os

import workload

parser = argparse.ArgumentParser()
parser.add_argument("--data", metavar="DIR", required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--warmup", type=int, required=True)
parser.add_argument("--threads", type=int, required=True)
options = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import time  # noqa: E402

import numpy as np  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402


def sigmoid_of(a):
    """In place."""
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    np.reciprocal(a, out=a)


def times_slope(delta, y, spare):
    """delta *= y (1 - y)"""
    np.subtract(1, y, out=spare)
    spare *= y
    delta *= spare


def rate(step):
    """Of step 1, 2, ..."""
    if step <= options.warmup:
        return options.lr * step / (options.warmup + 1)
    share = (step - options.warmup - 1) / (options.steps - options.warmup)
    return options.lr * (0.1 + 0.9 * (1 + math.cos(math.pi * share)) / 2)


def main():
    start = load_file(f"{options.data}/init.safetensors")
    w1, b1, w2, b2 = (start[name] for name in workload.initial_parameters(1))
    x = np.load(f"{options.data}/images.npy").astype(np.float32) * np.float32(1 / 255)
    h, delta1, spare1 = (np.empty((len(x), len(b1)), np.float32) for _ in range(3))
    y, delta2, spare2 = (np.empty_like(x) for _ in range(3))
    sums = []
    begin = time.perf_counter()
    for step in range(1, options.steps + 1):
        lr = np.float32(rate(step))
        np.matmul(x, w1.T, out=h)
        h += b1
        sigmoid_of(h)
        np.matmul(h, w2.T, out=y)
        y += b2
        sigmoid_of(y)
        np.subtract(y, x, out=delta2)
        sums.append(float(np.vdot(delta2, delta2)))
        delta2 *= 2
        times_slope(delta2, y, spare2)
        np.matmul(delta2, w2, out=delta1)
        times_slope(delta1, h, spare1)
        w2 -= lr * (delta2.T @ h)
        b2 -= lr * delta2.sum(axis=0)
        w1 -= lr * (delta1.T @ x)
        b1 -= lr * delta1.sum(axis=0)
    workload.report(version=np.__version__, sums=sums, seconds=time.perf_counter() - begin)


main()
