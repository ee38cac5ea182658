"""The training step of the main job in float32 numpy, in place wherever a careful user would work in place."""

import workload

options = workload.arguments()

import numpy as np  # noqa: E402


class SparseAutoencoder:
    def __init__(self, parameters, batch, data):
        self.hidden = parameters["encoder.0.bias"].size
        self.batch, self.data, self.steps = batch, data, 0
        # One slab for each of parameters, gradients and moments, so that Adam is a few calls on long arrays.
        self.slab = np.concatenate([value.ravel() for value in parameters.values()])
        self.gradient, self.moment1, self.moment2, self.spare = (np.zeros_like(self.slab) for _ in range(4))
        self.w1, self.b1, self.w2, self.b2 = self.carve(self.slab)
        self.dw1, self.db1, self.dw2, self.db2 = self.carve(self.gradient)
        self.x, self.y, self.delta2, self.decayed = (np.empty((batch, workload.FEATURES), np.float32) for _ in range(4))
        self.h, self.delta1, self.slope = (np.empty((batch, self.hidden), np.float32) for _ in range(3))

    def carve(self, slab):
        features, hidden = workload.FEATURES, self.hidden
        ends = np.cumsum([hidden * features, hidden, features * hidden])
        w1, b1, w2, b2 = np.split(slab, ends)
        return w1.reshape(hidden, features), b1, w2.reshape(features, hidden), b2

    @staticmethod
    def dense_sigmoid(x, weight, bias, out):
        np.matmul(x, weight.T, out=out)
        out += bias
        np.negative(out, out=out)
        np.exp(out, out=out)
        out += 1
        np.reciprocal(out, out=out)

    def gather(self, rows):
        np.multiply(self.data[rows], np.float32(1 / 255), out=self.x, dtype=np.float32)

    def forward(self):
        self.dense_sigmoid(self.x, self.w1, self.b1, self.h)
        self.dense_sigmoid(self.h, self.w2, self.b2, self.y)
        np.subtract(self.y, self.x, out=self.delta2)
        reconstruction = 0.5 * np.vdot(self.delta2, self.delta2) / self.batch
        self.rho = np.clip(self.h.mean(axis=0), workload.CLIP, 1 - workload.CLIP)
        rho = workload.RHO
        kl = np.sum(rho * np.log(rho / self.rho) + (1 - rho) * np.log((1 - rho) / (1 - self.rho)))
        decay = np.vdot(self.w1, self.w1) + np.vdot(self.w2, self.w2)
        return float(reconstruction + workload.BETA * kl + 0.5 * workload.WEIGHT_DECAY * decay)

    def backward(self):
        # slope and decayed hold sigma'(a) = s (1 - s)
        np.subtract(1, self.y, out=self.decayed)
        self.decayed *= self.y
        self.delta2 *= self.decayed
        self.delta2 *= np.float32(1 / self.batch)
        np.matmul(self.delta2.T, self.h, out=self.dw2)
        np.sum(self.delta2, axis=0, out=self.db2)
        np.matmul(self.delta2, self.w2, out=self.delta1)
        rho = np.float32(workload.RHO)
        self.delta1 += np.float32(workload.BETA / self.batch) * ((1 - rho) / (1 - self.rho) - rho / self.rho)
        np.subtract(1, self.h, out=self.slope)
        self.slope *= self.h
        self.delta1 *= self.slope
        np.matmul(self.delta1.T, self.x, out=self.dw1)
        np.sum(self.delta1, axis=0, out=self.db1)
        self.dw1 += np.float32(workload.WEIGHT_DECAY) * self.w1
        self.dw2 += np.float32(workload.WEIGHT_DECAY) * self.w2

    def adam(self):
        self.steps += 1
        self.moment1 *= np.float32(workload.BETA1)
        np.multiply(self.gradient, np.float32(1 - workload.BETA1), out=self.spare)
        self.moment1 += self.spare
        self.moment2 *= np.float32(workload.BETA2)
        np.multiply(self.gradient, self.gradient, out=self.spare)
        self.spare *= np.float32(1 - workload.BETA2)
        self.moment2 += self.spare
        np.sqrt(self.moment2, out=self.spare)
        self.spare *= np.float32((1 - workload.BETA2**self.steps) ** -0.5)
        self.spare += np.float32(workload.EPSILON)
        np.divide(self.moment1, self.spare, out=self.spare)
        self.spare *= np.float32(workload.LEARNING_RATE / (1 - workload.BETA1**self.steps))
        self.slab -= self.spare

    def step(self, rows):
        self.gather(rows)
        loss = self.forward()
        self.backward()
        self.adam()
        return loss


def check(directory):
    from safetensors.numpy import load_file

    model = SparseAutoencoder(
        {name: load_file(f"{directory}/init.safetensors")[name] for name in workload.initial_parameters(1)},
        options.batch, np.load(f"{directory}/images.npy"))
    losses = [model.step(slice(begin, begin + options.batch)) for begin in range(0, len(model.data), options.batch)]
    model.gather(slice(0, options.batch))
    workload.report(mean_loss=sum(losses) / len(losses), loss_after=model.forward())


def benchmark():
    data = workload.images(60000)
    model = SparseAutoencoder(workload.initial_parameters(options.hidden), options.batch, data)
    draw = np.random.default_rng(2)
    order = draw.permutation(len(data))
    position = 0

    def step():
        nonlocal position, order
        if position + options.batch > len(order):
            order, position = draw.permutation(len(data)), 0
        model.step(order[position:position + options.batch])
        position += options.batch

    workload.report(version=np.__version__, step_ms=workload.measure(step, options.seconds))


check(options.check) if options.check else benchmark()
