"""The training step of the main job in PyTorch on the CPU, as its users write it: nn.Linear, autograd, Adam.

  eager           torch.optim.Adam as it comes (foreach)
  fused           torch.optim.Adam(fused=True)
  compiled        torch.compile around the objective, fused Adam
  compiled-adam   torch.compile around the objective and around the step of Adam
  max-autotune    as compiled, with mode="max-autotune": every product's candidates are timed before the first step
"""

import workload

options = workload.arguments(("eager", "fused", "compiled", "compiled-adam", "max-autotune"))

import torch  # noqa: E402

from torch_model import SparseAutoencoder  # noqa: E402

torch.set_num_threads(options.threads)


class Training:
    def __init__(self, parameters, data):
        self.data = data
        self.model = SparseAutoencoder(parameters)
        layers = (self.model.encoder, self.model.decoder)
        self.adam = torch.optim.Adam(
            [{"params": [layer.weight for layer in layers], "weight_decay": workload.WEIGHT_DECAY},
             {"params": [layer.bias for layer in layers]}],
            lr=workload.LEARNING_RATE, fused=True if options.variant in ("fused", "compiled", "max-autotune") else None)
        self.objective = self.model.objective
        if options.variant.startswith("compiled"):
            self.objective = torch.compile(self.objective)
        elif options.variant == "max-autotune":
            self.objective = torch.compile(self.objective, mode="max-autotune")
        self.update = torch.compile(self.adam.step) if options.variant == "compiled-adam" else self.adam.step

    def batch(self, rows):
        picked = self.data[rows] if isinstance(rows, slice) else self.data.index_select(0, rows)
        return picked.float().mul_(1 / 255)

    def step(self, rows):
        loss = self.objective(self.batch(rows))
        self.adam.zero_grad()
        loss.backward()
        self.update()
        return loss

    def full_loss(self, rows):
        with torch.no_grad():
            return float(self.model.objective(self.batch(rows)) + self.model.decay())


def check(directory):
    import numpy as np
    from safetensors.torch import load_file

    data = torch.from_numpy(np.load(f"{directory}/images.npy"))
    training = Training(load_file(f"{directory}/init.safetensors"), data)
    losses = []
    for begin in range(0, len(data), options.batch):
        rows = slice(begin, begin + options.batch)
        decay = float(training.model.decay())
        losses.append(float(training.step(rows)) + decay)
    workload.report(mean_loss=sum(losses) / len(losses), loss_after=training.full_loss(slice(0, options.batch)))


def benchmark():
    data = torch.from_numpy(workload.images(60000))
    parameters = {name: torch.from_numpy(value) for name, value in workload.initial_parameters(options.hidden).items()}
    training = Training(parameters, data)
    order, position = torch.randperm(len(data)), 0

    def step():
        nonlocal position, order
        if position + options.batch > len(order):
            order, position = torch.randperm(len(data)), 0
        training.step(order[position:position + options.batch])
        position += options.batch

    workload.report(version=torch.__version__, step_ms=workload.measure(step, options.seconds))


check(options.check) if options.check else benchmark()
