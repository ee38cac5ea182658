"""The training step of the main job in JAX: one jitted epoch, lax.scan over its steps, data and order of the samples on the
device. Adam by hand, as optax computes it, so that XLA may fuse it. Float32: no TF32.
"""

import os

import workload

options = workload.device_arguments()
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
if options.device == "cpu":
    os.environ["JAX_PLATFORMS"] = "cpu"

from functools import partial  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

jax.config.update("jax_default_matmul_precision", "highest")
WEIGHTS = ("encoder.0.weight", "decoder.0.weight")


def objective(parameters, x):
    """Without the weight decay, whose gradient is added below."""
    code = jax.nn.sigmoid(x @ parameters["encoder.0.weight"].T + parameters["encoder.0.bias"])
    y = jax.nn.sigmoid(code @ parameters["decoder.0.weight"].T + parameters["decoder.0.bias"])
    rho = workload.RHO
    mean = jnp.clip(code.mean(axis=0), workload.CLIP, 1 - workload.CLIP)
    kl = jnp.sum(rho * jnp.log(rho / mean) + (1 - rho) * jnp.log((1 - rho) / (1 - mean)))
    return 0.5 * jnp.sum((y - x) ** 2) / x.shape[0] + workload.BETA * kl


def decay(parameters):
    return 0.5 * workload.WEIGHT_DECAY * sum(jnp.sum(parameters[name] ** 2) for name in WEIGHTS)


def adam(parameters, gradients, moment1, moment2, t):
    b1, b2 = workload.BETA1, workload.BETA2
    gradients = {name: g + workload.WEIGHT_DECAY * parameters[name] if name in WEIGHTS else g
                 for name, g in gradients.items()}
    moment1 = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, moment1, gradients)
    moment2 = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, moment2, gradients)
    step_size, correction2 = workload.LEARNING_RATE / (1 - b1**t), 1 - b2**t
    parameters = jax.tree.map(
        lambda w, m, v: w - step_size * m / (jnp.sqrt(v / correction2) + workload.EPSILON),
        parameters, moment1, moment2)
    return parameters, moment1, moment2


def batch(data, rows):
    return data[rows].astype(jnp.float32) * (1 / 255)


def step(data, state, rows):
    parameters, moment1, moment2, t = state
    t = t + 1
    loss, gradients = jax.value_and_grad(objective)(parameters, batch(data, rows))
    loss = loss + decay(parameters)
    return (*adam(parameters, gradients, moment1, moment2, t), t), loss


@partial(jax.jit, donate_argnums=1)
def steps_in_order(data, state, order):
    """One step for each row of `order`; the losses."""
    return jax.lax.scan(partial(step, data), state, order)


@partial(jax.jit, donate_argnums=1)
def shuffled_epoch(data, state, key):
    steps = len(data) // options.batch
    order = jax.random.permutation(key, len(data))[:steps * options.batch]
    state, losses = jax.lax.scan(partial(step, data), state, order.reshape(steps, options.batch))
    return state, losses.mean()


def initial_state():
    names = workload.initial_parameters(1)
    loaded = load_file(f"{options.data}/init.safetensors")
    parameters = {name: jnp.asarray(loaded[name]) for name in names}
    zeros = lambda: jax.tree.map(jnp.zeros_like, parameters)  # noqa: E731
    return parameters, zeros(), zeros(), jnp.zeros((), jnp.float32)


def check(data):
    steps = workload.checked_steps(options.batch, len(data))
    state, losses = steps_in_order(data, initial_state(), jnp.arange(steps * options.batch).reshape(steps, -1))
    parameters = state[0]
    after = objective(parameters, batch(data, jnp.arange(options.batch))) + decay(parameters)
    return {"mean_loss": float(losses.mean()), "loss_after": float(after)}


def main():
    platform = jax.devices()[0].platform
    if platform != {"cuda": "gpu"}.get(options.device, options.device):
        raise SystemExit(f"jax_step.py: JAX runs on {platform}, not on {options.device}")
    data = jnp.asarray(np.load(f"{options.data}/images.npy"))
    figures = {"version": jax.__version__}
    if options.check:
        figures |= check(data)
    if options.seconds > 0:
        state, key = initial_state(), jax.random.key(2)

        def epoch():
            nonlocal state, key
            key, drawn = jax.random.split(key)
            state, loss = shuffled_epoch(data, state, drawn)
            return float(loss)

        figures["step_ms"] = workload.measure_epochs(epoch, len(data) // options.batch, options.seconds)
    workload.report(**figures)


main()
