"""A training step of a top-k autoencoder of activation vectors in PyTorch on the CPU, as its users write it: nn.Linear,
torch.topk, autograd, Adam. Squared error, mean over samples.

  scatter           the kept values among zeros, and nn.Linear as the decoder
  scatter-compiled  the same with torch.compile around the objective
  bag               embedding_bag over the rows of the decoder's weight that are kept
  bag-compiled      both
"""

import argparse
import json
import os

VARIANTS = ("scatter", "scatter-compiled", "bag", "bag-compiled")
parser = argparse.ArgumentParser()
parser.add_argument("--data", metavar="DIR", required=True, help="holds vectors.npy and init.safetensors")
parser.add_argument("--batch", type=int, required=True)
parser.add_argument("--kept", type=int, required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--seconds", type=float, default=2.0, help="how long to measure; 0: an epoch and its mean loss")
parser.add_argument("--variant", choices=VARIANTS, required=True)
options = parser.parse_args()
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402

import workload  # noqa: E402

torch.set_num_threads(options.threads)


class TopKAutoencoder(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        hidden, features = parameters["encoder.0.weight"].shape
        self.encoder = nn.Linear(features, hidden)
        self.decoder = nn.Linear(hidden, features)
        self.load_state_dict({name.replace(".0.", "."): value for name, value in parameters.items()})
        if options.variant.startswith("bag"):  # [hidden, features], as those keep it who decode by rows
            self.decoder.weight = nn.Parameter(self.decoder.weight.detach().t().contiguous())

    def decode(self, values, units, code):
        if options.variant.startswith("bag"):
            return nn.functional.embedding_bag(units, self.decoder.weight, per_sample_weights=values,
                                               mode="sum") + self.decoder.bias
        return self.decoder(torch.zeros_like(code).scatter(1, units, values))

    def objective(self, x):
        code = self.encoder(x)
        values, units = code.topk(options.kept, dim=1, sorted=False)
        return nn.functional.mse_loss(self.decode(values, units, code), x, reduction="sum") / x.shape[0]


class Training:
    def __init__(self):
        self.data = torch.from_numpy(np.load(f"{options.data}/vectors.npy"))
        self.model = TopKAutoencoder(load_file(f"{options.data}/init.safetensors"))
        self.adam = torch.optim.Adam(self.model.parameters(), lr=workload.LEARNING_RATE, fused=True)
        compiled = options.variant.endswith("compiled")
        self.objective = torch.compile(self.model.objective) if compiled else self.model.objective
        self.order, self.position = torch.randperm(len(self.data)), 0

    def step_on(self, x):
        loss = self.objective(x)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return loss

    def step(self):
        if self.position + options.batch > len(self.order):
            self.order, self.position = torch.randperm(len(self.data)), 0
        self.position += options.batch
        self.step_on(self.data.index_select(0, self.order[self.position - options.batch:self.position]))


training = Training()
if options.seconds > 0:
    print(json.dumps({"version": torch.__version__, "step_ms": workload.measure(training.step, options.seconds)}))
else:
    losses = [float(training.step_on(x)) for x in training.data.split(options.batch)]
    print(json.dumps({"mean_loss": sum(losses) / len(losses)}))
