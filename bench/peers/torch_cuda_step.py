"""The training step of the main job in PyTorch on a GPU, data and order of the samples on the device.

  eager           as it comes: torch.optim.Adam (foreach)
  eager-fused     torch.optim.Adam(fused=True)
  graph           the whole step in one torch.cuda.CUDAGraph: batch, objective, backward, Adam(fused, capturable)
  compile         torch.compile(mode="max-autotune") around batch and objective, Adam(fused=True)
  compile-graph   torch.compile(mode="max-autotune-no-cudagraphs") around batch and objective, and the whole step in one
                  CUDAGraph

All in float32: no TF32. With --device cpu nothing is captured; that is for trying the script.
"""

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

import workload
from torch_model import SparseAutoencoder

options = workload.device_arguments(("eager", "eager-fused", "graph", "compile", "compile-graph"))
device = torch.device(options.device)
torch.set_float32_matmul_precision("highest")
COMPILE_MODES = {"compile": "max-autotune", "compile-graph": "max-autotune-no-cudagraphs"}


class ObjectiveOfRows(nn.Module):
    """The data set is a buffer, so that torch.compile knows that it stays where it is."""

    def __init__(self, model, data):
        super().__init__()
        self.model = model
        self.register_buffer("data", data, persistent=False)

    def batch(self, rows):
        return self.data.index_select(0, rows).float().mul_(1 / 255)

    def forward(self, rows):
        return self.model.objective(self.batch(rows))


class Training:
    def __init__(self, parameters, data):
        self.rows = len(data)
        self.model = SparseAutoencoder(parameters).to(device)
        layers = (self.model.encoder, self.model.decoder)
        captured = options.variant.endswith("graph")
        self.adam = torch.optim.Adam(
            [{"params": [layer.weight for layer in layers], "weight_decay": workload.WEIGHT_DECAY},
             {"params": [layer.bias for layer in layers]}],
            lr=workload.LEARNING_RATE, fused=None if options.variant == "eager" else True,
            capturable=captured and device.type == "cuda")
        self.uncompiled = ObjectiveOfRows(self.model, data)
        mode = COMPILE_MODES.get(options.variant)
        self.objective = torch.compile(self.uncompiled, mode=mode) if mode else self.uncompiled

        self.order = torch.arange(self.rows, device=device)
        self.offsets = torch.arange(options.batch, device=device)
        self.position = torch.zeros((), dtype=torch.int64, device=device)
        self.host_position = 0
        self.loss = torch.zeros((), device=device)
        self.total = torch.zeros((), device=device)
        self.step = self.capture() if captured else self.eager_step

    def train(self, rows):
        self.adam.zero_grad(set_to_none=True)
        loss = self.objective(rows)
        loss.backward()
        self.adam.step()
        self.loss.copy_(loss.detach())
        self.total.add_(self.loss)

    def eager_step(self):
        self.train(self.order[self.host_position:self.host_position + options.batch])
        self.host_position += options.batch

    def device_step(self):
        """Reads and moves its position on the device: a captured step takes nothing from the host."""
        self.train(self.order.index_select(0, self.position + self.offsets))
        self.position.add_(options.batch)

    def capture(self):
        if device.type != "cuda":
            return self.device_step
        before = [parameter.detach().clone() for parameter in self.model.parameters()]
        # The first steps allocate and choose algorithms, on a stream of their own as capturing wants it.
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(5):
                self.begin_epoch(self.order)
                self.device_step()
        torch.cuda.current_stream().wait_stream(side)
        self.adam.zero_grad(set_to_none=True)
        self.begin_epoch(self.order)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.device_step()
        with torch.no_grad():
            for parameter, value in zip(self.model.parameters(), before):
                parameter.copy_(value)
            for state in self.adam.state.values():
                for value in state.values():
                    value.zero_()
        return graph.replay

    def begin_epoch(self, order):
        self.order.copy_(order)
        self.position.zero_()
        self.host_position = 0
        self.total.zero_()

    def epoch(self):
        """Shuffles, goes through the data once, and reads the mean loss."""
        steps = self.rows // options.batch
        self.begin_epoch(torch.randperm(self.rows, device=device))
        for _ in range(steps):
            self.step()
        return float(self.total) / steps


def without_gradient(function):
    with torch.no_grad():
        return float(function())


def check(training):
    losses = []
    for _ in range(workload.checked_steps(options.batch, training.rows)):
        decay = without_gradient(training.model.decay)
        training.step()
        losses.append(float(training.loss) + decay)
    first = torch.arange(options.batch, device=device)
    after = without_gradient(lambda: training.uncompiled(first) + training.model.decay())
    return {"mean_loss": sum(losses) / len(losses), "loss_after": after}


def main():
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch_cuda_step.py: PyTorch finds no GPU")
    data = torch.from_numpy(np.load(f"{options.data}/images.npy")).to(device)
    training = Training(load_file(f"{options.data}/init.safetensors"), data)
    figures = {"version": torch.__version__}
    if options.check:
        figures |= check(training)
    if options.seconds > 0:
        figures["step_ms"] = workload.measure_epochs(training.epoch, len(data) // options.batch, options.seconds)
    workload.report(**figures)


main()
