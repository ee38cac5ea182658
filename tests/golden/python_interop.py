"""Checks that Python reads what Lacuna writes, and Lacuna's own parameters in torch.nn.Linear give Lacuna's values.

usage: python_interop.py PROGRAM    PROGRAM DIR writes the files (tests/unit/io_interop_files.cpp)
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
import safetensors
import safetensors.torch
import torch

ACTIVATIONS = {"identity": torch.nn.Identity, "sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}


def layers(tensors, metadata, part):
    modules = []
    while f"{part}.{len(modules) // 2}.weight" in tensors:
        name = f"{part}.{len(modules) // 2}"
        weight = tensors[f"{name}.weight"]
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": weight, "bias": tensors[f"{name}.bias"]})
        modules += [linear, ACTIVATIONS[metadata[f"activation.{name}"]]()]
    return torch.nn.Sequential(*modules)


def load(path):
    with safetensors.safe_open(path, framework="pt") as file:
        return safetensors.torch.load_file(path), file.metadata()


def check_forward(tensors, metadata, directory):
    samples = np.load(os.path.join(directory, "samples.npy"))
    assert samples.dtype == np.float32 and samples.shape == (5, 12), (samples.dtype, samples.shape)
    encoder, decoder = layers(tensors, metadata, "encoder"), layers(tensors, metadata, "decoder")
    assert len(encoder) == len(decoder) == 4, (encoder, decoder)
    with torch.no_grad():
        code = encoder.double()(torch.from_numpy(samples).double())
        reconstruction = decoder.double()(code)
    np.testing.assert_allclose(code.numpy(), np.load(os.path.join(directory, "code.npy")), rtol=1e-12)
    np.testing.assert_allclose(reconstruction.numpy(), np.load(os.path.join(directory, "reconstruction.npy")),
                               rtol=1e-12)
    assert np.ptp(code.numpy()) > 0.01, "values that are all alike would agree with anything"


def main():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.argv[1], directory], check=True)
        model, metadata = load(os.path.join(directory, "model.safetensors"))
        assert all(tensor.dtype == torch.float32 for tensor in model.values())
        assert len(model) == 8, list(model)
        assert metadata["sample_shape"] == "3,4" and metadata["note"] == "λ = 0.001", metadata
        check_forward(model, metadata, directory)

        checkpoint, state = load(os.path.join(directory, "checkpoint.safetensors"))
        assert len(checkpoint) == 24, list(checkpoint)
        for name, tensor in model.items():
            assert torch.equal(checkpoint[name], tensor), name
            assert checkpoint[f"optimizer.moment1.{name}"].shape == tensor.shape, name
        moment = np.load(os.path.join(directory, "moment2.npy"))
        np.testing.assert_array_equal(checkpoint["optimizer.moment2.decoder.1.weight"].numpy(), moment)
        assert (state["state.step"], float(state["state.means.reconstruction"])) == ("12", 0.1), state
        check_forward(checkpoint, state, directory)

        streamed = np.load(os.path.join(directory, "streamed.npy"))
        np.testing.assert_array_equal(streamed, np.load(os.path.join(directory, "samples.npy")))
    print("python_interop: torch", torch.__version__, "and safetensors", safetensors.__version__, "read every file")


if __name__ == "__main__":
    main()
