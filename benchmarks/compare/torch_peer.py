# PyTorch as a contestant: torch_peer.py eager | channels_last | compile (which is channels_last, compiled).
#
# torch_peer.py run-penguins FILE STEPS trains the penguins on the drawings of an npy file; its peak memory is measured.
import peer

peer.hide_devices()  # before torch is loaded
answers = peer.private_stdout()

import sys

import torch
import torch.nn.functional as F
from torch import nn


def leaky(x):
    return F.leaky_relu(x, peer.SLOPE)


def batch_norm(kind, channels):
    return kind(channels, eps=peer.EPSILON, momentum=1 - peer.MOMENTUM)


# --- The networks -----------------------------------------------------------------------------------------------------
#
# TensorFlow's "same" padding has the odd pixel below and to the right, which PyTorch would need an extra copy for. An
# image that is mirrored in both directions has it above and to the left, where PyTorch's own padding of 2, or 1, puts
# it. So the networks that use it see mirrored images, with mirrored filters: the same numbers without the copy.


class Generator(nn.Module):
    def __init__(self, last):
        super().__init__()
        self.last = last  # whether channels are the last axis in memory
        self.project = nn.Linear(100, 7 * 7 * 64, bias=False)
        self.norm1 = batch_norm(nn.BatchNorm1d, 7 * 7 * 64)
        self.conv1 = nn.ConvTranspose2d(64, 64, 5, stride=1, padding=2, bias=False)
        self.norm2 = batch_norm(nn.BatchNorm2d, 64)
        self.conv2 = nn.ConvTranspose2d(64, 32, 5, stride=2, padding=2, output_padding=1, bias=False)
        self.norm3 = batch_norm(nn.BatchNorm2d, 32)
        self.conv3 = nn.ConvTranspose2d(32, 1, 5, stride=2, padding=2, output_padding=1, bias=False)

    def forward(self, noise):
        x = leaky(self.norm1(self.project(noise)))
        x = unflatten(x, 7, 64, self.last)
        x = leaky(self.norm2(self.conv1(x)))
        x = leaky(self.norm3(self.conv2(x)))
        return torch.tanh(self.conv3(x))


class Discriminator(nn.Module):
    def __init__(self, last):
        super().__init__()
        self.last = last
        self.conv1 = nn.Conv2d(1, 64, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(64, 128, 5, stride=2, padding=2)
        self.decide = nn.Linear(7 * 7 * 128, 1)

    def forward(self, images):
        x = F.dropout(leaky(self.conv1(images)), peer.DROPOUT, self.training)
        return self.decide(flatten(leaky(self.conv2(x)), self.last))


class Encoder(nn.Module):
    def __init__(self, last):
        super().__init__()
        self.last = last
        self.down = nn.ModuleList([nn.Conv2d(1, 32, 3, stride=2), nn.Conv2d(32, 64, 3, stride=2)])
        self.code = nn.Linear(6 * 6 * 64, 2)

    def forward(self, images):
        x = images
        for down in self.down:
            x = F.relu(down(x))
        return self.code(flatten(x, self.last))


class Decoder(nn.Module):
    def __init__(self, last):
        super().__init__()
        self.last = last
        self.project = nn.Linear(2, 7 * 7 * 32)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(i, o, 3, stride=2, padding=1, output_padding=1) for i, o in ((32, 64), (64, 32))
        )
        self.draw = nn.ConvTranspose2d(32, 1, 3, stride=1, padding=1)

    def forward(self, codes):
        x = unflatten(F.relu(self.project(codes)), 7, 32, self.last)
        for up in self.up:
            x = F.relu(up(x))
        return self.draw(x)


def flatten(x, last):
    return x.permute(0, 2, 3, 1).flatten(1) if last else x.flatten(1)


def unflatten(x, side, channels, last):
    if last:
        return x.view(-1, side, side, channels).permute(0, 3, 1, 2)
    return x.view(-1, channels, side, side)


# --- Weights of Floe's ------------------------------------------------------------------------------------------------


def order(side, channels, last, mirrored):
    """Where the elements of a flattened image are in Floe's, which is (height, width, channels)."""
    places = torch.arange(side * side * channels).view(side, side, channels)
    if mirrored:
        places = places.flip(0, 1)
    return (places if last else places.permute(2, 0, 1)).flatten()


def filters(tensor, mirrored):
    return (tensor.flip(0, 1) if mirrored else tensor).permute(3, 2, 0, 1)


def load(module, values):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(values[name])


def load_penguins(generator, discriminator, file):
    places = order(7, 64, generator.last, True)
    values = {"project.weight": file["generator.project.weights"][:, places].T}
    for norm in ("norm1", "norm2", "norm3"):
        for ours, theirs in (("weight", "gamma"), ("bias", "beta")):
            value = file[f"generator.{norm}.{theirs}"]
            values[f"{norm}.{ours}"] = value[places] if norm == "norm1" else value
    for conv in ("conv1", "conv2", "conv3"):
        values[f"{conv}.weight"] = filters(file[f"generator.{conv}.filters"], True)
    load(generator, values)

    values = {"decide.weight": file["discriminator.decide.weights"][order(7, 128, discriminator.last, True)].T}
    values["decide.bias"] = file["discriminator.decide.bias"]
    for conv in ("conv1", "conv2"):
        values[f"{conv}.weight"] = filters(file[f"discriminator.{conv}.filters"], True)
        values[f"{conv}.bias"] = file[f"discriminator.{conv}.bias"]
    load(discriminator, values)


def load_snowflakes(encoder, decoder, file):
    values = {"code.weight": file["encoder.code.weights"][order(6, 64, encoder.last, False)].T}
    values["code.bias"] = file["encoder.code.bias"]
    for i in range(2):
        values[f"down.{i}.weight"] = filters(file[f"encoder.down.{i}.filters"], False)
        values[f"down.{i}.bias"] = file[f"encoder.down.{i}.bias"]
    load(encoder, values)

    places = order(7, 32, decoder.last, True)
    values = {"project.weight": file["decoder.project.weights"][:, places].T}
    values["project.bias"] = file["decoder.project.bias"][places]
    values["draw.weight"] = filters(file["decoder.draw.filters"], True)
    values["draw.bias"] = file["decoder.draw.bias"]
    for i in range(2):
        values[f"up.{i}.weight"] = filters(file[f"decoder.up.{i}.filters"], True)
        values[f"up.{i}.bias"] = file[f"decoder.up.{i}.bias"]
    load(decoder, values)


# --- Training steps ---------------------------------------------------------------------------------------------------


def adam(parameters, app):
    rate, beta1 = peer.ADAM[app]
    # Fused: 0.6 ms of one thread for the penguins' 16 tensors, where foreach takes 1.2 and a loop 1.4.
    return torch.optim.Adam(parameters, lr=rate, betas=(beta1, 0.999), eps=peer.ADAM_EPSILON, fused=True)


class Penguins:
    def __init__(self, mode):
        last = mode != "eager"
        self.generator, self.discriminator = Generator(last), Discriminator(last)
        if last:
            self.generator.to(memory_format=torch.channels_last)
            self.discriminator.to(memory_format=torch.channels_last)
        self.g_parameters = list(self.generator.parameters())
        self.d_parameters = list(self.discriminator.parameters())
        self.g_optimizer, self.d_optimizer = adam(self.g_parameters, "penguins"), adam(self.d_parameters, "penguins")
        self.backward = compiled(self.forward_and_backward) if mode == "compile" else self.forward_and_backward

    def forward_and_backward(self, images, noise):
        generated = self.generator(noise)
        real, fake = self.discriminator(images), self.discriminator(generated)
        g_loss = F.softplus(-fake).mean()
        d_loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        # One forward pass of the drawings for both, and no gradient that is not asked for.
        g_loss.backward(inputs=self.g_parameters, retain_graph=True)
        d_loss.backward(inputs=self.d_parameters)
        return g_loss.detach(), d_loss.detach()

    def step(self, images, noise):
        losses = self.backward(images, noise)
        self.g_optimizer.step()
        self.d_optimizer.step()
        self.g_optimizer.zero_grad(set_to_none=True)
        self.d_optimizer.zero_grad(set_to_none=True)
        return losses


class Snowflakes:
    def __init__(self, mode):
        last = mode != "eager"
        self.encoder, self.decoder = Encoder(last), Decoder(last)
        if last:
            self.encoder.to(memory_format=torch.channels_last)
            self.decoder.to(memory_format=torch.channels_last)
        self.parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = adam(self.parameters, "snowflakes")
        self.backward = compiled(self.forward_and_backward) if mode == "compile" else self.forward_and_backward

    def forward_and_backward(self, images, mirrored, normal):
        codes = self.encoder(images)
        loss = F.mse_loss(torch.sigmoid(self.decoder(codes)), mirrored) + mmd(normal, codes)
        loss.backward(inputs=self.parameters)
        return loss.detach()

    def step(self, images, mirrored, normal):
        loss = self.backward(images, mirrored, normal)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss


def kernel(a, b):
    return torch.exp(-(a.unsqueeze(1) - b.unsqueeze(0)).square().mean(-1) / a.shape[1])


def mmd(a, b):
    return kernel(a, a).mean() + kernel(b, b).mean() - 2 * kernel(a, b).mean()


def compiled(function):
    """In channels_last: compiled without, the penguins took 20 % and the snowflakes 17 % more processor time."""
    torch._dynamo.config.trace_autograd_ops = True  # the step as one graph, so that its gradients are pruned there
    return torch.compile(function)


def images_for(mode, images):
    """(batch, height, width, 1) as PyTorch takes it; with one channel, both layouts are the same memory."""
    images = images.permute(0, 3, 1, 2)
    return images.contiguous(memory_format=torch.contiguous_format if mode == "eager" else torch.channels_last)


def losses(mode, case, path):
    from safetensors.torch import load_file

    file = load_file(path)
    images = file["images"]
    if case in peer.PENGUINS:
        model = Penguins(mode)
        load_penguins(model.generator, model.discriminator, file)
        model.discriminator.eval()  # without dropout
        mirrored = images_for(mode, images.flip(1, 2))
        return [loss.item() for _ in range(3) for loss in model.step(mirrored, file["noise"])]
    if case in peer.SNOWFLAKES:
        model = Snowflakes(mode)
        load_snowflakes(model.encoder, model.decoder, file)
        mirrored = images_for(mode, images.flip(1, 2))
        return [model.step(images_for(mode, images), mirrored, file["normal"]).item() for _ in range(3)]
    return None


# --- Cases ------------------------------------------------------------------------------------------------------------


def make_case(mode, case, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    run = (app_case if case in peer.PENGUINS or case in peer.SNOWFLAKES else op_case)(mode, case)
    if run is None:
        return None

    def on_threads(repeats):
        torch.set_num_threads(threads)
        run(repeats)

    return on_threads


def app_case(mode, case):
    if case in peer.PENGUINS:
        model, batch = Penguins(mode), peer.PENGUINS[case]
        images = images_for(mode, torch.rand(batch, 28, 28, 1) * 2 - 1)
        return peer.repeat(lambda: model.step(images, torch.randn(batch, 100)))
    model, batch = Snowflakes(mode), peer.SNOWFLAKES[case]
    images = images_for(mode, torch.rand(batch, 28, 28, 1))
    return peer.repeat(lambda: model.step(images, images, torch.randn(batch, 2)))


def op_case(mode, case):
    format = torch.contiguous_format if mode == "eager" else torch.channels_last
    wrap = torch.compile if mode == "compile" else lambda function: function
    if mode == "channels_last" and case not in (*peer.CONVOLUTIONS, "batch_norm"):
        return None  # the same as eager
    if mode == "compile" and case in ("add_recorded", "adam"):
        return None  # a compiled chain is one operation; the fused Adam is one kernel already

    if case == "add":
        return additions(wrap(torch.add)) if mode == "compile" else torch.inference_mode()(plain_additions)
    if case == "add_recorded":
        return recorded_additions
    if case == "small_network":
        a, w = torch.randn(32, 32), torch.randn(32, 32, requires_grad=True)
        loss = wrap(lambda: torch.tanh(a @ w).sum())
        return peer.repeat(lambda: torch.autograd.grad(loss(), w))
    if case == "matmul_1024":
        a, b = torch.randn(peer.MATMUL, peer.MATMUL), torch.randn(peer.MATMUL, peer.MATMUL)
        multiply = wrap(torch.matmul)
        return unrecorded(lambda: multiply(a, b))
    if case in peer.CONVOLUTIONS:
        return convolution(case, format, wrap)
    if case in ("exp", "relu", "sum"):
        x, function = torch.randn(peer.LARGE), wrap({"exp": torch.exp, "relu": torch.relu, "sum": torch.sum}[case])
        return unrecorded(lambda: function(x))
    if case == "add_large":
        a, b, add = torch.randn(peer.LARGE), torch.randn(peer.LARGE), wrap(torch.add)
        return unrecorded(lambda: add(a, b))
    if case == "softmax":
        x, softmax = torch.randn(peer.SOFTMAX), wrap(lambda x: torch.softmax(x, -1))
        return unrecorded(lambda: softmax(x))
    if case == "batch_norm":
        batch, height, width, channels = peer.BATCH_NORM
        norm = batch_norm(nn.BatchNorm2d, channels)
        x = torch.randn(batch, channels, height, width).contiguous(memory_format=format)
        call = wrap(norm)
        return unrecorded(lambda: call(x))
    if case == "adam":
        parameters = [torch.randn(peer.LARGE // peer.ADAM_TENSORS) for _ in range(peer.ADAM_TENSORS)]
        for parameter in parameters:
            parameter.requires_grad_().grad = torch.randn_like(parameter)
        return peer.repeat(torch.optim.Adam(parameters, eps=peer.ADAM_EPSILON, fused=True).step)
    return None


def unrecorded(step):
    return torch.inference_mode()(peer.repeat(step))


def additions(add):
    a, b = torch.ones(1), torch.ones(1)
    return unrecorded(lambda: add(a, b))


def plain_additions(repeats):
    a, b = torch.ones(1), torch.ones(1)
    for _ in range(repeats):
        a + b


def recorded_additions(repeats):
    a, b = torch.ones(1, requires_grad=True), torch.ones(1)
    for _ in range(-(-repeats // peer.CHAIN)):
        y = a + b
        for _ in range(peer.CHAIN - 1):
            y = y + b


def convolution(case, format, wrap):
    (batch, size, channels), (count, taps), stride = peer.CONVOLUTIONS[case]
    x = torch.randn(batch, channels, size, size).contiguous(memory_format=format).requires_grad_()
    w = torch.randn(count, channels, taps, taps).contiguous(memory_format=format).requires_grad_()
    forward = wrap(lambda: F.conv2d(x, w, stride=stride, padding=taps // 2))
    dy = torch.randn_like(forward())
    return peer.repeat(lambda: torch.autograd.grad(forward(), (x, w), dy))


# --- A run whose memory is measured -----------------------------------------------------------------------------------


def run_penguins(path, steps):
    import numpy

    drawings = torch.from_numpy(numpy.load(path))
    model = Penguins("channels_last")
    chosen = torch.randperm(len(drawings))
    for step in range(steps):
        batch = drawings[chosen[torch.arange(step * 64, (step + 1) * 64) % len(drawings)]]
        images = images_for("channels_last", (batch.float() - 127.5) / 127.5)
        g_loss, d_loss = model.step(images, torch.randn(64, 100))
    print(f"after {steps} steps: generator {g_loss:.3f}, discriminator {d_loss:.3f}", file=answers)


def version(mode):
    parts = torch.__config__.show().split("oneDNN v" if "oneDNN v" in torch.__config__.show() else "MKL-DNN v")
    return (
        f"PyTorch {torch.__version__} {mode}, oneDNN {parts[1].split()[0]}, {torch.backends.cpu.get_cpu_capability()}"
    )


if __name__ == "__main__":
    if sys.argv[1] == "run-penguins":
        run_penguins(sys.argv[2], int(sys.argv[3]))
    else:
        mode = sys.argv[1]
        peer.serve(
            answers,
            lambda case, threads: make_case(mode, case, threads),
            lambda case, path: losses(mode, case, path),
            lambda: version(mode),
        )
