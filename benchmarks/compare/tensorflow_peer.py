# TensorFlow as a contestant: tensorflow_peer.py eager | function (tf.function).
import peer
from contestants import number_of_cores

peer.hide_devices()
answers = peer.private_stdout()

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import tensorflow as tf


def leaky(x):
    return tf.nn.leaky_relu(x, peer.SLOPE)


def conv(x, filters, stride, padding="SAME"):
    return tf.nn.conv2d(x, filters, stride, padding)


def conv_transpose(x, filters, stride):  # filters (height, width, out, in)
    batch, height, width, _ = x.shape
    return tf.nn.conv2d_transpose(x, filters, (batch, height * stride, width * stride, filters.shape[2]), stride)


class BatchNorm:
    def __init__(self, gamma, beta):
        self.gamma, self.beta = tf.Variable(gamma), tf.Variable(beta)
        self.mean = tf.Variable(tf.zeros_like(gamma), trainable=False)
        self.variance = tf.Variable(tf.ones_like(gamma), trainable=False)

    def __call__(self, x):
        image = x if len(x.shape) == 4 else x[:, None, None, :]  # what the fused op takes
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            image, self.gamma, self.beta, epsilon=peer.EPSILON, is_training=True
        )
        self.mean.assign_sub((self.mean - mean) * (1 - peer.MOMENTUM))
        self.variance.assign_sub((self.variance - variance) * (1 - peer.MOMENTUM))
        return tf.reshape(y, x.shape)


# --- The networks: p are the variables by their names in Floe --------------------------------------------------------


class Generator:
    def __init__(self, values):
        self.p = {n: tf.Variable(v) for n, v in values.items() if n.startswith("generator.") and "norm" not in n}
        self.norms = [
            BatchNorm(values[f"generator.norm{i}.gamma"], values[f"generator.norm{i}.beta"]) for i in (1, 2, 3)
        ]
        self.variables = [*self.p.values(), *(v for norm in self.norms for v in (norm.gamma, norm.beta))]

    def __call__(self, noise):
        norm1, norm2, norm3 = self.norms
        x = leaky(norm1(noise @ self.p["generator.project.weights"]))
        x = tf.reshape(x, (-1, 7, 7, 64))
        x = leaky(norm2(conv_transpose(x, self.p["generator.conv1.filters"], 1)))
        x = leaky(norm3(conv_transpose(x, self.p["generator.conv2.filters"], 2)))
        return tf.tanh(conv_transpose(x, self.p["generator.conv3.filters"], 2))


class Discriminator:
    def __init__(self, values):
        self.p = {n: tf.Variable(v) for n, v in values.items() if n.startswith("discriminator.")}
        self.variables = list(self.p.values())

    def __call__(self, images, training):
        p = self.p
        x = conv(images, p["discriminator.conv1.filters"], 2)
        x = leaky(tf.nn.bias_add(x, p["discriminator.conv1.bias"]))
        if training:
            x = tf.nn.dropout(x, peer.DROPOUT)
        x = leaky(tf.nn.bias_add(conv(x, p["discriminator.conv2.filters"], 2), p["discriminator.conv2.bias"]))
        x = tf.reshape(x, (x.shape[0], -1))
        return tf.nn.bias_add(x @ p["discriminator.decide.weights"], p["discriminator.decide.bias"])


def encoder(p, images):
    x = images
    for i in range(2):
        x = conv(x, p[f"encoder.down.{i}.filters"], 2, "VALID")
        x = tf.nn.relu(tf.nn.bias_add(x, p[f"encoder.down.{i}.bias"]))
    return tf.nn.bias_add(tf.reshape(x, (x.shape[0], -1)) @ p["encoder.code.weights"], p["encoder.code.bias"])


def decoder(p, codes):
    x = tf.nn.relu(tf.nn.bias_add(codes @ p["decoder.project.weights"], p["decoder.project.bias"]))
    x = tf.reshape(x, (-1, 7, 7, 32))
    for i in range(2):
        x = conv_transpose(x, p[f"decoder.up.{i}.filters"], 2)
        x = tf.nn.relu(tf.nn.bias_add(x, p[f"decoder.up.{i}.bias"]))
    return tf.nn.bias_add(conv_transpose(x, p["decoder.draw.filters"], 1), p["decoder.draw.bias"])


# --- Training steps ---------------------------------------------------------------------------------------------------


class Adam:
    """The kernel that Keras 2 used. Its epsilon is the paper's "epsilon hat", so the paper's one is handed to it."""

    def __init__(self, variables, rate, beta1, beta2=0.999):
        self.variables, self.rate, self.betas = variables, rate, (beta1, beta2)
        self.slots = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]
        self.powers = [tf.Variable(1.0), tf.Variable(1.0)]

    def apply(self, gradients):
        beta1, beta2 = self.betas
        power1, power2 = self.powers[0].assign(self.powers[0] * beta1), self.powers[1].assign(self.powers[1] * beta2)
        epsilon = peer.ADAM_EPSILON * tf.sqrt(1 - power2)
        for variable, (m, v), gradient in zip(self.variables, self.slots, gradients):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=power1,
                beta2_power=power2,
                lr=self.rate,
                beta1=beta1,
                beta2=beta2,
                epsilon=epsilon,
                grad=gradient,
            )


class Penguins:
    def __init__(self, values):
        self.generator, self.discriminator = Generator(values), Discriminator(values)
        self.g_adam = Adam(self.generator.variables, *peer.ADAM["penguins"])
        self.d_adam = Adam(self.discriminator.variables, *peer.ADAM["penguins"])

    def step(self, images, noise, training):
        # A tape goes back through all that it has seen: the discriminator's gradient needs one without the generator.
        with tf.GradientTape() as g_tape:
            generated = self.generator(noise)
        with tf.GradientTape(persistent=True) as d_tape:
            d_tape.watch(generated)
            real, fake = self.discriminator(images, training), self.discriminator(generated, training)
            g_loss = tf.reduce_mean(tf.nn.softplus(-fake))
            d_loss = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
        to_generated = d_tape.gradient(g_loss, generated)
        g_gradients = g_tape.gradient(generated, self.generator.variables, to_generated)
        d_gradients = d_tape.gradient(d_loss, self.discriminator.variables)
        self.g_adam.apply(g_gradients)
        self.d_adam.apply(d_gradients)
        return g_loss, d_loss


def kernel(a, b):
    return tf.exp(-tf.reduce_mean(tf.square(a[:, None] - b[None]), -1) / a.shape[1])


def mmd(a, b):
    return tf.reduce_mean(kernel(a, a)) + tf.reduce_mean(kernel(b, b)) - 2 * tf.reduce_mean(kernel(a, b))


class Snowflakes:
    def __init__(self, values):
        self.p = {name: tf.Variable(value) for name, value in values.items()}
        self.adam = Adam(list(self.p.values()), *peer.ADAM["snowflakes"])

    def step(self, images, normal):
        with tf.GradientTape() as tape:
            codes = encoder(self.p, images)
            mse = tf.reduce_mean(tf.square(tf.sigmoid(decoder(self.p, codes)) - images))
            loss = mse + mmd(normal, codes)
        self.adam.apply(tape.gradient(loss, list(self.p.values())))
        return loss


def losses(wrap, case, path):
    from safetensors.numpy import load_file

    file = {name: tf.constant(value) for name, value in load_file(path).items()}
    images = file.pop("images")
    if case in peer.PENGUINS:
        noise, model = file.pop("noise"), Penguins(file)
        step = wrap(lambda: model.step(images, noise, False))
        return [float(loss) for _ in range(3) for loss in step()]
    if case in peer.SNOWFLAKES:
        normal, model = file.pop("normal"), Snowflakes(file)
        step = wrap(lambda: model.step(images, normal))
        return [float(step()) for _ in range(3)]
    return None


# --- Cases ------------------------------------------------------------------------------------------------------------


def some_values(shapes):
    return {
        name: tf.ones(shape) if name.endswith("gamma") else 0.03 * tf.random.normal(shape)
        for name, shape in shapes.items()
    }


def make_case(wrap, case, threads):
    if threads != number_of_cores():  # TensorFlow takes as many as there are, once for all
        return None
    if case in peer.PENGUINS:
        batch, model = peer.PENGUINS[case], Penguins(some_values(peer.PENGUIN_SHAPES))
        images = tf.random.uniform((batch, 28, 28, 1), -1)
        return calls(wrap, lambda: model.step(images, tf.random.normal((batch, 100)), True))
    if case in peer.SNOWFLAKES:
        batch, model = peer.SNOWFLAKES[case], Snowflakes(some_values(peer.SNOWFLAKE_SHAPES))
        images = tf.random.uniform((batch, 28, 28, 1))
        return calls(wrap, lambda: model.step(images, tf.random.normal((batch, 2))))
    if case == "add_recorded":
        return recorded_additions if wrap is eager else None  # in a graph there is no recording
    return operation(wrap, case)


def eager(function):
    return function


def traced(function):
    return tf.function(function, autograph=False)  # there is no loop or branch to translate


def calls(wrap, function, *arguments):
    function = wrap(function)
    return peer.repeat(lambda: function(*arguments))  # the CPU's operations are done when they return


def recorded_additions(repeats):
    a, b = tf.ones(1), tf.ones(1)
    for _ in range(-(-repeats // peer.CHAIN)):
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = a
            for _ in range(peer.CHAIN):
                y = y + b


def operation(wrap, case):
    random = tf.random.normal
    if case == "add":
        return calls(wrap, tf.add, tf.ones(1), tf.ones(1))
    if case == "small_network":
        a, w = random((32, 32)), tf.Variable(random((32, 32)))

        def small_network():
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(tf.tanh(a @ w))
            return tape.gradient(y, w)

        return calls(wrap, small_network)
    if case == "matmul_1024":
        return calls(wrap, tf.matmul, random((peer.MATMUL, peer.MATMUL)), random((peer.MATMUL, peer.MATMUL)))
    if case in peer.CONVOLUTIONS:
        (batch, size, channels), (count, taps), stride = peer.CONVOLUTIONS[case]
        x, w = random((batch, size, size, channels)), random((taps, taps, channels, count))
        dy = random((batch, size // stride, size // stride, count))

        def three_directions(x, w, dy):
            with tf.GradientTape() as tape:
                tape.watch((x, w))
                y = conv(x, w, stride)
            return y, tape.gradient(y, (x, w), dy)

        return calls(wrap, three_directions, x, w, dy)
    if case in ("exp", "relu", "sum"):
        function = {"exp": tf.exp, "relu": tf.nn.relu, "sum": tf.reduce_sum}[case]
        return calls(wrap, function, random((peer.LARGE,)))
    if case == "add_large":
        return calls(wrap, tf.add, random((peer.LARGE,)), random((peer.LARGE,)))
    if case == "softmax":
        return calls(wrap, tf.nn.softmax, random(peer.SOFTMAX))
    if case == "batch_norm":
        norm = BatchNorm(tf.ones(peer.BATCH_NORM[-1]), tf.zeros(peer.BATCH_NORM[-1]))
        return calls(wrap, norm, random(peer.BATCH_NORM))
    if case == "adam":
        shape = (peer.LARGE // peer.ADAM_TENSORS,)
        variables = [tf.Variable(random(shape)) for _ in range(peer.ADAM_TENSORS)]
        gradients, adam = [random(shape) for _ in variables], Adam(variables, 1e-3, 0.9)
        return calls(wrap, lambda: adam.apply(gradients))
    return None


if __name__ == "__main__":
    mode = sys.argv[1]
    wrap = {"eager": eager, "function": traced}[mode]
    peer.serve(
        answers,
        lambda case, threads: make_case(wrap, case, threads),
        lambda case, path: losses(wrap, case, path),
        lambda: f"TensorFlow {tf.__version__} {mode}",
    )
