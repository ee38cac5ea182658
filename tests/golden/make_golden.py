"""Writes the golden files of this directory: values computed by PyTorch in float64, with gradients by autograd.

    python make_golden.py            rewrites squared.safetensors ... layers.safetensors beside this script

Nothing here repeats a formula of the C++ code where PyTorch has its own: the losses are those of torch.nn.functional,
the KL term is torch.distributions.kl_divergence between Bernoulli distributions, the optimizers are torch.optim's. The
script is deterministic; each file names the PyTorch version that made it.
"""

import itertools
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.distributions import Bernoulli, kl_divergence

FEATURES, ENCODER, DECODER, SAMPLES = 5, [4], [], 6
RHO, BETA, L1, WEIGHT_DECAY = 0.1, 3.0, 0.2, 0.01
ACTIVATIONS = {"identity": torch.nn.Identity(), "sigmoid": torch.nn.Sigmoid(), "relu": torch.nn.ReLU()}


class Autoencoder(torch.nn.Module):
    def __init__(self, encoder, decoder, hidden, output):
        super().__init__()
        sizes = [FEATURES, *encoder, *decoder, FEATURES]
        self.layers = torch.nn.ModuleList(torch.nn.Linear(i, o, dtype=torch.float64) for i, o in itertools.pairwise(sizes))
        self.encoder_layers = len(encoder)
        self.hidden, self.output = ACTIVATIONS[hidden], ACTIVATIONS[output]

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            logits = layer(x)
            x = self.output(logits) if layer is self.layers[-1] else self.hidden(logits)
            if i + 1 == self.encoder_layers:
                code = x
        return logits, x, code


def terms(network, loss, reduction, sparsity, x):
    """Reconstruction, sparsity, weight decay: J is their sum."""
    logits, output, code = network(x)
    how = "mean" if reduction == "element" else "sum"
    if loss == "bce":
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction=how)
    else:
        reconstruction = F.mse_loss(output, x, reduction=how) * (0.5 if loss == "half-squared" else 1.0)
    if reduction == "sample":
        reconstruction = reconstruction / len(x)

    penalty = torch.zeros((), dtype=torch.float64)
    if sparsity == "kl":
        wanted = Bernoulli(torch.full((code.shape[1],), RHO, dtype=torch.float64))
        penalty = BETA * kl_divergence(wanted, Bernoulli(code.mean(dim=0))).sum()
    elif sparsity == "l1":
        penalty = L1 * code.abs().sum(dim=1).mean()

    decay = 0.5 * WEIGHT_DECAY * sum(layer.weight.square().sum() for layer in network.layers)
    return torch.stack([reconstruction, penalty, decay])


def flat(tensors):
    return torch.cat([t.detach().flatten() for t in tensors])


def draw_parameters(network, generator):
    with torch.no_grad():
        for layer in network.layers:
            layer.weight.normal_(0, layer.in_features**-0.5, generator=generator)
            layer.bias.uniform_(-0.3, 0.3, generator=generator)


def gradients_of_one_batch(loss, generator):
    """Terms of J and gradients of every valid case with this loss, all at one point."""
    tensors = {"x": torch.rand(SAMPLES, FEATURES, dtype=torch.float64, generator=generator)}
    for reduction in ("sum", "sample", "element"):
        for sparsity in ("none", "kl", "l1"):
            for hidden, output in itertools.product(ACTIVATIONS, ACTIVATIONS):
                if (loss == "bce" and output != "sigmoid") or (sparsity == "kl" and hidden != "sigmoid"):
                    continue
                network = Autoencoder(ENCODER, DECODER, hidden, output)
                if "parameters" not in tensors:
                    draw_parameters(network, generator)
                    tensors["parameters"] = flat(network.parameters())
                torch.nn.utils.vector_to_parameters(tensors["parameters"].clone(), network.parameters())
                values = terms(network, loss, reduction, sparsity, tensors["x"])
                values.sum().backward()
                name = f"{loss}/{reduction}/{sparsity}/{hidden}/{output}"
                tensors[name + "/terms"] = values.detach()
                tensors[name + "/gradients"] = flat(p.grad for p in network.parameters())
    return tensors


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
}
# depth: encoder and decoder widths between the features; the case is written as in Case::name()
DEPTHS = {"1+1": ([4], []), "2+2": ([6, 3], [4]), "3+1": ([4, 5, 3], [])}
RUNS = [
    ("1+1", "half-squared/sample/kl/sigmoid/sigmoid"),
    ("2+2", "half-squared/sample/kl/sigmoid/sigmoid"),
    ("2+2", "bce/element/l1/relu/sigmoid"),
    ("3+1", "squared/sum/none/sigmoid/identity"),
]
STEPS, BATCH, ROWS = 20, 4, 14  # batches of 4, 4, 4, 2 samples, in order, again and again


def training_runs(generator):
    """Terms of J before each step and the parameters after the last."""
    tensors = {"x": torch.rand(ROWS, FEATURES, dtype=torch.float64, generator=generator)}
    for depth, case in RUNS:
        loss, reduction, sparsity, hidden, output = case.split("/")
        network = Autoencoder(*DEPTHS[depth], hidden, output)
        draw_parameters(network, generator)
        start = flat(network.parameters())
        tensors[f"{depth}/{case}/start"] = start
        for optimizer_name, make_optimizer in OPTIMIZERS.items():
            torch.nn.utils.vector_to_parameters(start.clone(), network.parameters())
            optimizer = make_optimizer(network.parameters())
            history = []
            batches = itertools.islice(itertools.cycle(tensors["x"].split(BATCH)), STEPS)
            for batch in batches:
                values = terms(network, loss, reduction, sparsity, batch)
                optimizer.zero_grad()
                values.sum().backward()
                optimizer.step()
                history.append(values.detach())
            tensors[f"{depth}/{case}/{optimizer_name}/terms"] = torch.stack(history)
            tensors[f"{depth}/{case}/{optimizer_name}/end"] = flat(network.parameters())
    return tensors


class Layers(torch.nn.Module):
    """Encoder, then decoder or classifier, named as in Lacuna's files. `tied` leaves the decoder its bias alone; `kept`
    is the k of a k-sparse code."""

    def __init__(self, encoder, decoder=(), classifier=None, hidden="sigmoid", tied=False, kept=None):
        super().__init__()
        self.encoder, self.decoder = torch.nn.ModuleList(encoder), torch.nn.ModuleList(decoder)
        self.classifier = classifier
        self.hidden, self.tied, self.kept = ACTIVATIONS[hidden], tied, kept
        if tied:
            for layer in self.decoder:
                del layer.weight
        self.double()

    def encode(self, x):
        for layer in self.encoder:
            x = self.hidden(layer(x))
        if self.kept:
            x = torch.zeros_like(x).scatter(1, x.topk(self.kept, dim=1).indices, x.topk(self.kept, dim=1).values)
        return x

    def decode(self, code):
        """Logits and what the hidden activation makes of all but the last."""
        for i, layer in enumerate(self.decoder):
            mirror = self.encoder[len(self.encoder) - 1 - i]
            logits = F.linear(code, mirror.weight.t(), layer.bias) if self.tied else layer(code)
            code = self.hidden(logits)
        return logits

    def weights(self):
        return [p for name, p in self.named_parameters() if name.endswith("weight")]


def convolutions():
    """1 x 8 x 6 -> 2 x 4 x 3 -> 3 x 3 x 2 and back; heights and widths of 8 and 6 leave the same remainder."""
    return ([torch.nn.Conv2d(1, 2, 3, stride=2, padding=1), torch.nn.Conv2d(2, 3, 2)],
            [torch.nn.ConvTranspose2d(3, 2, 2), torch.nn.ConvTranspose2d(2, 1, 3, stride=2, padding=1, output_padding=1)])


def save_layers(tensors, name, network, values):
    """The terms at the parameters as they are, the parameters, and the gradients, by name."""
    values.sum().backward()
    tensors[f"{name}/terms"] = values.detach()
    for parameter, value in network.named_parameters():
        tensors[f"{name}/parameter/{parameter}"] = value.detach().clone()
        tensors[f"{name}/gradient/{parameter}"] = value.grad


def layer_kinds(generator):
    """One batch each of networks that are more than dense autoencoders."""
    draw = lambda *shape: torch.rand(*shape, dtype=torch.float64, generator=generator)
    decay = lambda network: 0.5 * WEIGHT_DECAY * sum(w.square().sum() for w in network.weights())
    start = lambda network: [p.data.normal_(0, 0.4, generator=generator) for p in network.parameters()]
    tensors = {}

    for name, hidden in (("conv-l1", "relu"), ("conv-kl", "sigmoid")):
        x = draw(4, 1, 8, 6)
        network = Layers(*convolutions(), hidden=hidden)
        start(network)
        code = network.encode(x)
        if name == "conv-kl":
            penalty = BETA * kl_divergence(Bernoulli(torch.tensor(RHO, dtype=torch.float64)),
                                           Bernoulli(code.mean(dim=(0, 2, 3)))).sum()
        else:
            penalty = L1 * code.abs().sum(dim=(1, 2, 3)).mean()
        reconstruction = F.mse_loss(network.decode(code), x)
        tensors[f"{name}/x"] = x
        save_layers(tensors, name, network, torch.stack([reconstruction, penalty, decay(network)]))

    x, labels = draw(6, 5), torch.tensor([2, 0, 1, 2, 2, 0])
    network = Layers([torch.nn.Linear(5, 4), torch.nn.Linear(4, 6)], classifier=torch.nn.Linear(6, 3))
    start(network)
    cross_entropy = F.cross_entropy(network.classifier(network.encode(x)), labels)
    tensors["classifier/x"], tensors["classifier/labels"] = x, labels.double()
    save_layers(tensors, "classifier", network, torch.stack([cross_entropy, torch.zeros_like(cross_entropy), decay(network)]))

    x = draw(6, 5)
    network = Layers([torch.nn.Linear(5, 9)], [torch.nn.Linear(9, 5)], hidden="identity", tied=True, kept=3)
    start(network)
    reconstruction = F.binary_cross_entropy_with_logits(network.decode(network.encode(x)), x)
    tensors["top-k-tied/x"] = x
    save_layers(tensors, "top-k-tied", network,
                torch.stack([reconstruction, torch.zeros_like(reconstruction), decay(network)]))
    return tensors


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    here = pathlib.Path(__file__).parent
    generator = torch.Generator().manual_seed(20240229)
    made_with = {"made_with": f"torch {torch.__version__}"}
    for loss in ("squared", "half-squared", "bce"):
        save_file(gradients_of_one_batch(loss, generator), here / f"{loss}.safetensors", metadata=made_with)
    save_file(training_runs(generator), here / "training.safetensors", metadata=made_with)
    save_file(layer_kinds(generator), here / "layers.safetensors", metadata=made_with)


if __name__ == "__main__":
    main()
