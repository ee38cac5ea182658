"""A training step of a convolutional autoencoder in PyTorch on the CPU, as its users write it: nn.Conv2d and
nn.ConvTranspose2d, autograd, Adam. 1 -> 16 (3, stride 2, padding 1) -> 32 (3, stride 2, padding 1) -> 64 (7), mirrored;
relu; squared error, mean over elements, and an L1 penalty on the code.

  eager                     torch.optim.Adam(fused=True)
  channels-last             the same, model and images in torch.channels_last
  compiled                  torch.compile around the objective
  compiled-channels-last    both
"""

import workload

VARIANTS = ("eager", "channels-last", "compiled", "compiled-channels-last")
options = workload.arguments(VARIANTS, hidden=False)

import torch  # noqa: E402
from torch import nn  # noqa: E402

L1 = 0.005
torch.set_num_threads(options.threads)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 64, 7), nn.ReLU())
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 7), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1), nn.ReLU())

    def objective(self, x):
        code = self.encoder(x)
        return nn.functional.mse_loss(self.decoder(code), x) + code.abs().sum() * (L1 / x.shape[0])


class Training:
    def __init__(self):
        torch.manual_seed(1)
        self.layout = torch.channels_last if options.variant.endswith("channels-last") else torch.contiguous_format
        self.data = torch.from_numpy(workload.images(60000)).view(-1, 1, 28, 28)
        self.model = Autoencoder().to(memory_format=self.layout)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=workload.LEARNING_RATE, fused=True)
        compiled = options.variant.startswith("compiled")
        self.objective = torch.compile(self.model.objective) if compiled else self.model.objective
        self.order, self.position = torch.randperm(len(self.data)), 0

    def rows(self):
        if self.position + options.batch > len(self.order):
            self.order, self.position = torch.randperm(len(self.data)), 0
        self.position += options.batch
        return self.order[self.position - options.batch:self.position]

    def step(self):
        x = self.data.index_select(0, self.rows()).float().mul_(1 / 255).to(memory_format=self.layout)
        loss = self.objective(x)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()


workload.report(version=torch.__version__, step_ms=workload.measure(Training().step, options.seconds))
