# JAX as a contestant, compiled by jit.
import peer
from contestants import number_of_cores

peer.hide_devices()
answers = peer.private_stdout()

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
from jax import lax

NORMS = ("generator.norm1", "generator.norm2", "generator.norm3")
LAYOUT = ("NHWC", "HWIO", "NHWC")


def leaky(x):
    return jax.nn.leaky_relu(x, peer.SLOPE)


def conv(x, filters, stride, padding="SAME"):
    return lax.conv_general_dilated(x, filters, (stride, stride), padding, dimension_numbers=LAYOUT)


def conv_transpose(x, filters, stride):  # filters (height, width, out, in)
    return lax.conv_transpose(x, filters, (stride, stride), "SAME", dimension_numbers=LAYOUT, transpose_kernel=True)


def batch_norm(p, statistics, name, x):
    axes = tuple(range(x.ndim - 1))
    mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
    statistics[name] = tuple(
        peer.MOMENTUM * old + (1 - peer.MOMENTUM) * new for old, new in zip(statistics[name], (mean, variance))
    )
    scale = lax.rsqrt(variance + peer.EPSILON) * p[name + ".gamma"]
    return (x - mean) * scale + p[name + ".beta"]


# --- The networks: p are the parameters by their names in Floe -------------------------------------------------------


def generator(p, statistics, noise):
    statistics = dict(statistics)
    x = leaky(batch_norm(p, statistics, "generator.norm1", noise @ p["generator.project.weights"]))
    x = x.reshape(-1, 7, 7, 64)
    x = leaky(batch_norm(p, statistics, "generator.norm2", conv_transpose(x, p["generator.conv1.filters"], 1)))
    x = leaky(batch_norm(p, statistics, "generator.norm3", conv_transpose(x, p["generator.conv2.filters"], 2)))
    return jnp.tanh(conv_transpose(x, p["generator.conv3.filters"], 2)), statistics


def discriminator(p, images, key):
    x = leaky(conv(images, p["discriminator.conv1.filters"], 2) + p["discriminator.conv1.bias"])
    if key is not None:
        x = jnp.where(jax.random.bernoulli(key, 1 - peer.DROPOUT, x.shape), x / (1 - peer.DROPOUT), 0)
    x = leaky(conv(x, p["discriminator.conv2.filters"], 2) + p["discriminator.conv2.bias"])
    return x.reshape(x.shape[0], -1) @ p["discriminator.decide.weights"] + p["discriminator.decide.bias"]


def encoder(p, images):
    x = images
    for i in range(2):
        x = jax.nn.relu(conv(x, p[f"encoder.down.{i}.filters"], 2, "VALID") + p[f"encoder.down.{i}.bias"])
    return x.reshape(x.shape[0], -1) @ p["encoder.code.weights"] + p["encoder.code.bias"]


def decoder(p, codes):
    x = jax.nn.relu(codes @ p["decoder.project.weights"] + p["decoder.project.bias"]).reshape(-1, 7, 7, 32)
    for i in range(2):
        x = jax.nn.relu(conv_transpose(x, p[f"decoder.up.{i}.filters"], 2) + p[f"decoder.up.{i}.bias"])
    return conv_transpose(x, p["decoder.draw.filters"], 1) + p["decoder.draw.bias"]


# --- Training steps ---------------------------------------------------------------------------------------------------


def adam_start(parameters):
    zeros = lambda: {name: jnp.zeros_like(p) for name, p in parameters.items()}
    return zeros(), zeros(), jnp.zeros(())


def adam(parameters, gradients, state, rate, beta1, beta2=0.999):
    m, v, t = state
    t = t + 1
    new, new_m, new_v = {}, {}, {}
    for name, g in gradients.items():
        new_m[name] = beta1 * m[name] + (1 - beta1) * g
        new_v[name] = beta2 * v[name] + (1 - beta2) * g * g
        root = jnp.sqrt(new_v[name] / (1 - beta2**t)) + peer.ADAM_EPSILON
        new[name] = parameters[name] - rate * new_m[name] / (1 - beta1**t) / root
    return new, (new_m, new_v, t)


def penguins_step(state, images, noise, key):
    g, d, statistics, g_adam, d_adam = state
    real_key, fake_key = (None, None) if key is None else jax.random.split(key)
    generated, g_pull, statistics = jax.vjp(lambda g: generator(g, statistics, noise), g, has_aux=True)
    real, real_pull = jax.vjp(lambda d: discriminator(d, images, real_key), d)
    fake, fake_pull = jax.vjp(lambda d, x: discriminator(d, x, fake_key), d, generated)  # once, pulled back twice

    g_loss, g_slope = jax.value_and_grad(lambda fake: jax.nn.softplus(-fake).mean())(fake)
    d_loss = lambda real, fake: jax.nn.softplus(-real).mean() + jax.nn.softplus(fake).mean()
    d_loss, (real_slope, fake_slope) = jax.value_and_grad(d_loss, (0, 1))(real, fake)
    (g_gradients,) = g_pull(fake_pull(g_slope)[1])
    d_gradients = jax.tree.map(jnp.add, real_pull(real_slope)[0], fake_pull(fake_slope)[0])

    g, g_adam = adam(g, g_gradients, g_adam, *peer.ADAM["penguins"])
    d, d_adam = adam(d, d_gradients, d_adam, *peer.ADAM["penguins"])
    return (g, d, statistics, g_adam, d_adam), (g_loss, d_loss)


def kernel(a, b):
    return jnp.exp(-jnp.square(a[:, None] - b[None]).mean(-1) / a.shape[1])


def mmd(a, b):
    return kernel(a, a).mean() + kernel(b, b).mean() - 2 * kernel(a, b).mean()


def snowflakes_step(state, images, normal):
    parameters, adam_state = state

    def loss(p):
        codes = encoder(p, images)
        return jnp.square(jax.nn.sigmoid(decoder(p, codes)) - images).mean() + mmd(normal, codes)

    total, gradients = jax.value_and_grad(loss)(parameters)
    return adam(parameters, gradients, adam_state, *peer.ADAM["snowflakes"]), total


def penguins_state(values):
    def part(prefix):
        return {name: value for name, value in values.items() if name.startswith(prefix)}

    g, d = part("generator."), part("discriminator.")
    ones = {name: jnp.ones_like(values[name + ".gamma"]) for name in NORMS}
    statistics = {name: (jnp.zeros_like(one), one) for name, one in ones.items()}
    return g, d, statistics, adam_start(g), adam_start(d)


def snowflakes_state(values):
    return values, adam_start(values)


def some_values(shapes):
    keys = jax.random.split(jax.random.key(1), len(shapes))
    values = {n: 0.03 * jax.random.normal(key, shape) for key, (n, shape) in zip(keys, shapes.items())}
    ones = {n: jnp.ones(shapes[n]) for n in shapes if n.endswith("gamma")}
    return {**values, **ones}


def losses(case, path):
    from safetensors.numpy import load_file

    file = {name: jnp.asarray(value) for name, value in load_file(path).items()}
    images = file.pop("images")
    found = []
    if case in peer.PENGUINS:
        noise, state = file.pop("noise"), penguins_state(file)
        step = jax.jit(lambda state: penguins_step(state, images, noise, None))
        for _ in range(3):
            state, both = step(state)
            found += both
    elif case in peer.SNOWFLAKES:
        normal, state = file.pop("normal"), snowflakes_state(file)
        step = jax.jit(lambda state: snowflakes_step(state, images, normal))
        for _ in range(3):
            state, total = step(state)
            found.append(total)
    else:
        return None
    return [float(loss) for loss in found]


# --- Cases ------------------------------------------------------------------------------------------------------------


def training(step, state, images):
    """Steps from one state to the next, in the same memory where XLA manages to."""
    step = jax.jit(step, donate_argnums=0)
    kept = [state, jax.random.key(2)]

    def run(repeats):
        for _ in range(repeats):
            kept[0], kept[1], _ = step(kept[0], kept[1], images)
        jax.block_until_ready(kept)

    return run


def make_case(case, threads):
    if threads != number_of_cores():  # XLA takes as many as there are, once for all
        return None
    if case in peer.PENGUINS:
        batch = peer.PENGUINS[case]

        def step(state, key, images):
            key, noise_key, dropout_key = jax.random.split(key, 3)
            state, losses = penguins_step(state, images, jax.random.normal(noise_key, (batch, 100)), dropout_key)
            return state, key, losses

        images = jax.random.uniform(jax.random.key(3), (batch, 28, 28, 1), minval=-1)
        return training(step, penguins_state(some_values(peer.PENGUIN_SHAPES)), images)
    if case in peer.SNOWFLAKES:
        batch = peer.SNOWFLAKES[case]

        def step(state, key, images):
            key, normal_key = jax.random.split(key)
            state, loss = snowflakes_step(state, images, jax.random.normal(normal_key, (batch, 2)))
            return state, key, loss

        images = jax.random.uniform(jax.random.key(3), (batch, 28, 28, 1))
        return training(step, snowflakes_state(some_values(peer.SNOWFLAKE_SHAPES)), images)
    if case == "add_recorded":
        return recorded_additions
    if case == "adam":
        return adam_case()
    return calls(case, *operation(case))


def calls(case, function, *arguments):
    """JAX goes on before a call is done. Small ones may queue up; large ones would fill the memory."""
    if function is None:
        return None
    function, small = jax.jit(function), case in ("add", "small_network")

    def run(repeats):
        y = None
        for _ in range(repeats):
            y = function(*arguments)
            if not small:
                jax.block_until_ready(y)
        jax.block_until_ready(y)

    return run


def recorded_additions(repeats):  # not compiled: a compiled chain is one operation
    a, b = jnp.ones(1), jnp.ones(1)

    def chain(y):
        for _ in range(peer.CHAIN):
            y = y + b
        return y

    for _ in range(-(-repeats // peer.CHAIN)):
        y, _ = jax.vjp(chain, a)
    jax.block_until_ready(y)


def operation(case):
    random = lambda *shape: jax.random.normal(jax.random.key(1), shape)
    if case == "add":
        return jnp.add, jnp.ones(1), jnp.ones(1)
    if case == "small_network":
        return jax.value_and_grad(lambda w, a: jnp.tanh(a @ w).sum()), random(32, 32), random(32, 32)
    if case == "matmul_1024":
        return jnp.matmul, random(peer.MATMUL, peer.MATMUL), random(peer.MATMUL, peer.MATMUL)
    if case in peer.CONVOLUTIONS:
        (batch, size, channels), (count, taps), stride = peer.CONVOLUTIONS[case]

        def three_directions(x, w, dy):
            y, pull = jax.vjp(lambda x, w: conv(x, w, stride), x, w)
            return y, pull(dy)

        dy = random(batch, size // stride, size // stride, count)
        return three_directions, random(batch, size, size, channels), random(taps, taps, channels, count), dy
    if case in ("exp", "relu", "sum"):
        return {"exp": jnp.exp, "relu": jax.nn.relu, "sum": jnp.sum}[case], random(peer.LARGE)
    if case == "add_large":
        return jnp.add, random(peer.LARGE), random(peer.LARGE)
    if case == "softmax":
        return jax.nn.softmax, random(*peer.SOFTMAX)
    if case == "batch_norm":
        channels = peer.BATCH_NORM[-1]
        p = {"norm.gamma": jnp.ones(channels), "norm.beta": jnp.zeros(channels)}

        def norm(x, mean, variance):
            statistics = {"norm": (mean, variance)}
            return batch_norm(p, statistics, "norm", x), statistics

        return norm, random(*peer.BATCH_NORM), jnp.zeros(channels), jnp.ones(channels)
    return None, None


def adam_case():
    shape = (peer.LARGE // peer.ADAM_TENSORS,)
    parameters = {str(i): jnp.ones(shape) for i in range(peer.ADAM_TENSORS)}
    gradients = {name: jnp.full(shape, 0.01) for name in parameters}
    step = jax.jit(lambda p, state, g: adam(p, g, state, 1e-3, 0.9), donate_argnums=(0, 1))
    kept = [parameters, adam_start(parameters)]

    def run(repeats):
        for _ in range(repeats):
            kept[0], kept[1] = step(kept[0], kept[1], gradients)
        jax.block_until_ready(kept)

    return run


if __name__ == "__main__":
    peer.serve(
        answers,
        make_case,
        losses,
        lambda: f"JAX {jax.__version__}, jaxlib {jax.lib.__version__}, jit",
    )
