"""Writes lbfgs.safetensors: what SciPy's L-BFGS-B, without bounds, makes of objectives that PyTorch computes in float64.

    python make_lbfgs.py             rewrites lbfgs.safetensors beside this script

Each case has the data, the start, J at the start and after each iteration, and the number of evaluations. SciPy goes on
until nothing is left to gain in double precision.
"""

import pathlib

import numpy as np
import scipy
import torch
import torch.nn.functional as F
from make_golden import WEIGHT_DECAY, Autoencoder, draw_parameters, flat, terms
from safetensors.numpy import save_file
from scipy.optimize import minimize

HISTORY = 10
SAMPLES, FEATURES, CLASSES = 40, 5, 3


def run(network, objective):
    """Minimises objective() over the parameters of the network, from where they stand."""
    values, history = {}, []

    def evaluate(parameters):
        torch.nn.utils.vector_to_parameters(torch.from_numpy(parameters), network.parameters())
        network.zero_grad()
        value = objective()
        value.backward()
        values[parameters.tobytes()] = value.item()
        return value.item(), flat(p.grad for p in network.parameters()).numpy()

    start = flat(network.parameters()).numpy().copy()
    history.append(evaluate(start)[0])
    result = minimize(evaluate, start, jac=True, method="L-BFGS-B", callback=lambda x: history.append(values[x.tobytes()]),
                      options={"maxcor": HISTORY, "ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000, "maxfun": 10000})
    print(f"  {result.nit} iterations, {result.nfev} evaluations, J {history[0]:.6f} -> {result.fun:.12f}, "
          f"largest gradient {np.abs(result.jac).max():.1e}")
    return {"start": start, "history": np.array(history), "evaluations": np.array([float(result.nfev)])}


def softmax_regression(generator):
    """One minimum: cross-entropy with weight decay, and no hidden layer."""
    x = torch.rand(SAMPLES, FEATURES, dtype=torch.float64, generator=generator)
    x = x.float().double()  # the same numbers in both precisions
    labels = torch.randint(CLASSES, (SAMPLES,), generator=generator)
    layer = torch.nn.Linear(FEATURES, CLASSES, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.normal_(0, 1, generator=generator)
        layer.bias.uniform_(-0.3, 0.3, generator=generator)
    result = run(layer, lambda: F.cross_entropy(layer(x), labels) + 0.5 * WEIGHT_DECAY * layer.weight.square().sum())
    return {"x": x.numpy(), "labels": labels.double().numpy(), **result}


def autoencoder(case, generator):
    loss, reduction, sparsity, hidden, output = case.split("/")
    x = torch.rand(SAMPLES, FEATURES, dtype=torch.float64, generator=generator).float().double()
    network = Autoencoder([4], [], hidden, output)
    draw_parameters(network, generator)
    return {"x": x.numpy(), **run(network, lambda: terms(network, loss, reduction, sparsity, x).sum())}


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(20240301)
    cases = {"softmax": softmax_regression(generator)}
    for case in ("half-squared/sample/kl/sigmoid/sigmoid", "bce/element/none/sigmoid/sigmoid"):
        cases[case] = autoencoder(case, generator)
    tensors = {f"{name}:{key}": value for name, case in cases.items() for key, value in case.items()}
    made_with = {"made_with": f"scipy {scipy.__version__}, torch {torch.__version__}"}
    save_file(tensors, pathlib.Path(__file__).parent / "lbfgs.safetensors", metadata=made_with)


if __name__ == "__main__":
    main()
