# PyTorch as a contestant: torch_peer.py eager | channels_last | compile (which is channels_last, compiled).
#
# torch_peer.py MODE cuda float32 | tf32 | bf16 is the same on the first GPU, bf16 by autocast, where there is also the
# mode graphs: channels_last, and the whole step as one CUDA graph.
#
# torch_peer.py run-penguins FILE STEPS trains the penguins on the drawings of an npy file; its peak memory is measured.
import sys

import peer

DEVICE, PRECISION = sys.argv[2:4] if sys.argv[2:3] == ["cuda"] else ("cpu", "float32")
ON_GPU = DEVICE == "cuda"
if ON_GPU:
    peer.enlarge_for_gpu()
else:
    peer.hide_devices()  # before torch is loaded
answers = peer.private_stdout()

import contextlib

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
    options = {"betas": (beta1, 0.999), "eps": peer.ADAM_EPSILON, "fused": True, "capturable": ON_GPU}
    return torch.optim.Adam(parameters, lr=rate, **options)


def autocast():
    """bfloat16 where that was asked for."""
    return torch.autocast(DEVICE, torch.bfloat16) if PRECISION == "bf16" else contextlib.nullcontext()


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
        self.networks, self.optimizers = (self.generator, self.discriminator), (self.g_optimizer, self.d_optimizer)
        self.backward = compiled(self.forward_and_backward) if mode == "compile" else self.forward_and_backward

    def forward_and_backward(self, images, noise):
        with autocast():
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
        self.networks, self.optimizers = (self.encoder, self.decoder), (self.optimizer,)
        self.backward = compiled(self.forward_and_backward) if mode == "compile" else self.forward_and_backward

    def forward_and_backward(self, images, mirrored, normal):
        with autocast():
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
    return replaying(function) if ON_GPU else torch.compile(function)


def replaying(function):
    """Compiled, its kernels queued as one CUDA graph."""
    run = torch.compile(function, mode="reduce-overhead")

    def call(*arguments):
        torch.compiler.cudagraph_mark_step_begin()
        return run(*arguments)

    return call


class Graph:
    """What a function does on the GPU, captured once and replayed by each call. `reset` undoes its first runs."""

    def __init__(self, function, reset=lambda: None):
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(3):
                function()
        torch.cuda.current_stream().wait_stream(beside)
        reset()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.results = function()

    def __call__(self):
        self.graph.replay()
        return self.results


def stepping(mode, model, step):
    """The step as the mode makes it, from where the model is now."""
    if mode != "graphs":
        return step
    values = [value for network in model.networks for value in (*network.parameters(), *network.buffers())]
    before = [value.detach().clone() for value in values]

    @torch.no_grad()
    def reset():
        for value, first in zip(values, before):
            value.copy_(first)
        for optimizer in model.optimizers:
            for state in optimizer.state.values():
                for moment in state.values():
                    moment.zero_()

    return Graph(step, reset)


def images_for(mode, images):
    """(batch, height, width, 1) as PyTorch takes it; with one channel, both layouts are the same memory."""
    images = images.permute(0, 3, 1, 2)
    return images.contiguous(memory_format=torch.contiguous_format if mode == "eager" else torch.channels_last)


def losses(mode, case, path):
    from safetensors.torch import load_file

    file = load_file(path, device=DEVICE)
    images = file["images"]
    if case in peer.PENGUINS:
        with torch.device(DEVICE):
            model = Penguins(mode)
            load_penguins(model.generator, model.discriminator, file)
        model.discriminator.eval()  # without dropout
        mirrored = images_for(mode, images.flip(1, 2))
        step = stepping(mode, model, lambda: model.step(mirrored, file["noise"]))
        return [loss.item() for _ in range(3) for loss in step()]
    if case in peer.SNOWFLAKES:
        with torch.device(DEVICE):
            model = Snowflakes(mode)
            load_snowflakes(model.encoder, model.decoder, file)
        images, mirrored = images_for(mode, images), images_for(mode, images.flip(1, 2))
        step = stepping(mode, model, lambda: model.step(images, mirrored, file["normal"]))
        return [step().item() for _ in range(3)]
    return None


# --- Cases ------------------------------------------------------------------------------------------------------------


def make_case(mode, case, threads):
    torch.manual_seed(1)
    make = app_case if case in peer.PENGUINS or case in peer.SNOWFLAKES else op_case
    if ON_GPU:
        return on_gpu(make, mode, case)
    torch.set_num_threads(threads)
    run = make(mode, case)
    if run is None:
        return None

    def on_threads(repeats):
        torch.set_num_threads(threads)
        run(repeats)

    return on_threads


def on_gpu(make, mode, case):
    torch.cuda.empty_cache()  # of the case before
    with torch.device(DEVICE):
        run = make(mode, case)
    if run is None:
        return None

    def to_the_end(repeats):
        run(repeats)
        torch.cuda.synchronize()

    return to_the_end


def app_case(mode, case):
    if case in peer.PENGUINS:
        model, batch = Penguins(mode), peer.PENGUINS[case]
        images = images_for(mode, torch.rand(batch, 28, 28, 1) * 2 - 1)
        return peer.repeat(stepping(mode, model, lambda: model.step(images, torch.randn(batch, 100, device=DEVICE))))
    model, batch = Snowflakes(mode), peer.SNOWFLAKES[case]
    images = images_for(mode, torch.rand(batch, 28, 28, 1))
    return peer.repeat(stepping(mode, model, lambda: model.step(images, images, torch.randn(batch, 2, device=DEVICE))))


def op_case(mode, case):
    format = torch.contiguous_format if mode == "eager" else torch.channels_last
    wrap = torch.compile if mode == "compile" else lambda function: function
    if mode == "channels_last" and case not in (*peer.CONVOLUTIONS, "batch_norm"):
        return None  # the same as eager
    if mode == "compile" and case in ("add_recorded", "adam"):
        return None  # a compiled chain is one operation; the fused Adam is one kernel already
    if mode == "graphs" and case != "small_network":
        return None  # one or a few long kernels

    if case == "add":
        return additions(wrap(torch.add)) if mode == "compile" else torch.inference_mode()(plain_additions)
    if case == "add_recorded":
        return recorded_additions
    if case == "small_network":
        a, w = torch.randn(32, 32), torch.randn(32, 32, requires_grad=True)
        loss = (replaying if ON_GPU and mode == "compile" else wrap)(lambda: torch.tanh(a @ w).sum())
        gradient = lambda: torch.autograd.grad(loss(), w)
        return peer.repeat(Graph(gradient) if mode == "graphs" else gradient)
    if case in ("matmul_1024", "matmul_4096"):
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
    run = torch.inference_mode()(peer.repeat(step))
    return autocast()(run) if PRECISION == "bf16" else run


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
    convolve = wrap(lambda: F.conv2d(x, w, stride=stride, padding=taps // 2))

    def forward():
        with autocast():
            return convolve()

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


def settle_gpu():
    """Precisions as they were asked for, and the fastest of cuDNN's ways found by trying them."""
    if not torch.cuda.is_available():
        sys.exit("torch_peer: PyTorch finds no GPU here, or is a build without CUDA")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = PRECISION == "tf32"
    torch.backends.cudnn.benchmark = True


def version(mode):
    if ON_GPU:
        libraries = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        return f"PyTorch {torch.__version__} {mode} {PRECISION}, {libraries}"
    parts = torch.__config__.show().split("oneDNN v" if "oneDNN v" in torch.__config__.show() else "MKL-DNN v")
    return (
        f"PyTorch {torch.__version__} {mode}, oneDNN {parts[1].split()[0]}, {torch.backends.cpu.get_cpu_capability()}"
    )


if __name__ == "__main__":
    if sys.argv[1] == "run-penguins":
        run_penguins(sys.argv[2], int(sys.argv[3]))
    else:
        mode = sys.argv[1]
        if ON_GPU:
            settle_gpu()
        peer.serve(
            answers,
            lambda case, threads: make_case(mode, case, threads),
            lambda case, path: losses(mode, case, path),
            lambda: version(mode),
        )
