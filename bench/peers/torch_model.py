"""The network of the main job in PyTorch, as its users write it: nn.Linear and autograd."""

import torch
from torch import nn

import workload


class SparseAutoencoder(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        hidden, features = parameters["encoder.0.weight"].shape
        self.encoder = nn.Linear(features, hidden)
        self.decoder = nn.Linear(hidden, features)
        self.load_state_dict({name.replace(".0.", "."): value for name, value in parameters.items()})

    def forward(self, x):
        code = torch.sigmoid(self.encoder(x))
        return torch.sigmoid(self.decoder(code)), code

    def objective(self, x):
        """Without the weight decay, which the optimizer adds to the gradient."""
        y, code = self(x)
        reconstruction = nn.functional.mse_loss(y, x, reduction="sum") * (0.5 / x.shape[0])
        mean = code.mean(dim=0).clamp(workload.CLIP, 1 - workload.CLIP)
        rho = workload.RHO
        kl = (rho * torch.log(rho / mean) + (1 - rho) * torch.log((1 - rho) / (1 - mean))).sum()
        return reconstruction + workload.BETA * kl

    def decay(self):
        return 0.5 * workload.WEIGHT_DECAY * sum(layer.weight.square().sum() for layer in (self.encoder, self.decoder))
