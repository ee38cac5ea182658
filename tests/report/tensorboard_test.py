"""Checks that the real TensorBoard reads the event files of a run, of a resumed one and of one taken up again earlier.

usage: tensorboard_test.py LACUNA
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util


def train(directory, epochs, *more):
    subprocess.run([sys.argv[1], "train", "--data", "synthetic:300", "--hidden", "16", "--epochs", str(epochs),
                    "--threads", "1", "--tensorboard", "--out", directory, *more],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read(directory):
    events = event_accumulator.EventAccumulator(
        os.path.join(directory, "tensorboard"),
        size_guidance={event_accumulator.TENSORS: 0, event_accumulator.SCALARS: 0, event_accumulator.IMAGES: 0})
    return events.Reload()


def points(events, tag):
    """(step, value) however this version of TensorBoard keeps scalars."""
    tags = events.Tags()
    if tag in tags["scalars"]:
        return [(event.step, event.value) for event in events.Scalars(tag)]
    return [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]


def picture(events, tag):
    if tag in events.Tags()["images"]:
        return events.Images(tag)[-1].encoded_image_string
    return tensor_util.make_ndarray(events.Tensors(tag)[-1].tensor_proto)[2]


def check_scalars(directory, epochs):
    with open(os.path.join(directory, "metrics.jsonl")) as file:
        rows = [json.loads(line) for line in file]
    assert len(rows) == epochs, rows
    events = read(directory)
    for tag, key in (("loss/total", "loss"), ("loss/reconstruction", "reconstruction"), ("loss/sparsity", "sparsity"),
                     ("loss/weight_decay", "weight_decay"), ("code/mean_activation", "mean_activation"),
                     ("run/epoch", "epoch"), ("run/samples_per_second", "samples_per_second")):
        got = points(events, tag)
        assert [step for step, _ in got] == [row["step"] for row in rows], (tag, got)
        for (_, value), row in zip(got, rows):
            assert abs(value - row[key]) <= 1e-6 * abs(row[key]), (tag, value, row[key])
    return events


def main():
    with tempfile.TemporaryDirectory() as parent:
        directory = os.path.join(parent, "run")
        train(directory, 2)
        events = check_scalars(directory, 2)
        for name in ("weights", "input", "reconstruction"):
            with open(os.path.join(directory, name + ".png"), "rb") as file:
                assert picture(events, name) == file.read(), name

        train(directory, 3, "--resume")
        assert len(glob.glob(os.path.join(directory, "tensorboard", "events.out.tfevents.*"))) == 2
        check_scalars(directory, 3)

        # Taken up again after its first epoch: what the first attempt wrote after that is dropped.
        for epoch in (2, 3):
            os.remove(os.path.join(directory, "checkpoints", f"epoch-{epoch:04}.safetensors"))
        train(directory, 4, "--resume")
        check_scalars(directory, 4)
    import tensorboard
    print("tensorboard", tensorboard.__version__, "read every scalar and picture")


if __name__ == "__main__":
    main()
