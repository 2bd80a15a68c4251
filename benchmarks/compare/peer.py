# The protocol that every Python contestant speaks: requests on standard input, one line of answer each.
#
#   time CASE THREADS REPEATS   seconds for so many executions, or "unsupported"; the first use warms up, untimed
#   losses CASE FILE            the losses of the first three steps from the weights and inputs in the safetensors FILE
#   version                     what is running, in one line
import os
import sys
import time

WARM_UP = 3
CHAIN = 1000  # recorded additions before their graph is dropped

PENGUINS = {"penguins_64": 64, "penguins_256": 256, "penguins_2048": 2048}
SNOWFLAKES = {"snowflakes_100": 100}

# The sizes of all cases; arrays are (batch, height, width, channels).
MATMUL = 1024
CONVOLUTIONS = {  # (batch, size, channels in), (filters, taps), stride; "same" padding
    "conv_penguins": ((64, 14, 64), (128, 5), 2),
    "conv_resnet": ((8, 56, 64), (64, 3), 1),
}
LARGE = 16 * 2**20
SOFTMAX = (8192, 1000)
BATCH_NORM = (64, 56, 56, 64)
ADAM_TENSORS = 4
EPSILON = 1e-3  # of batch normalisation
MOMENTUM = 0.99  # of its running statistics
ADAM = {"penguins": (3e-4, 0.5), "snowflakes": (1e-3, 0.9)}  # rate, beta1
ADAM_EPSILON = 1e-7
SLOPE = 0.3  # of leaky_relu
DROPOUT = 0.3

# The variables by their names in Floe, as they are in its checkpoints.
PENGUIN_SHAPES = {
    "generator.project.weights": (100, 3136),
    "generator.conv1.filters": (5, 5, 64, 64),
    "generator.conv2.filters": (5, 5, 32, 64),
    "generator.conv3.filters": (5, 5, 1, 32),
    "discriminator.conv1.filters": (5, 5, 1, 64),
    "discriminator.conv1.bias": (64,),
    "discriminator.conv2.filters": (5, 5, 64, 128),
    "discriminator.conv2.bias": (128,),
    "discriminator.decide.weights": (6272, 1),
    "discriminator.decide.bias": (1,),
}
for norm, channels in (("norm1", 3136), ("norm2", 64), ("norm3", 32)):
    for part in ("gamma", "beta"):
        PENGUIN_SHAPES[f"generator.{norm}.{part}"] = (channels,)

SNOWFLAKE_SHAPES = {
    "encoder.down.0.filters": (3, 3, 1, 32),
    "encoder.down.0.bias": (32,),
    "encoder.down.1.filters": (3, 3, 32, 64),
    "encoder.down.1.bias": (64,),
    "encoder.code.weights": (2304, 2),
    "encoder.code.bias": (2,),
    "decoder.project.weights": (2, 1568),
    "decoder.project.bias": (1568,),
    "decoder.up.0.filters": (3, 3, 64, 32),
    "decoder.up.0.bias": (64,),
    "decoder.up.1.filters": (3, 3, 32, 64),
    "decoder.up.1.bias": (32,),
    "decoder.draw.filters": (3, 3, 1, 32),
    "decoder.draw.bias": (1,),
}


def enlarge_for_gpu():
    """The sizes of the cases that are larger on a GPU."""
    global MATMUL, LARGE, SOFTMAX, BATCH_NORM
    MATMUL, LARGE, SOFTMAX, BATCH_NORM = 4096, 64 * 2**20, (2**16, 1000), (256, 56, 56, 64)
    CONVOLUTIONS["conv_resnet"] = ((64, 56, 64), (64, 3), 1)


def hide_devices():
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def private_stdout():
    """The real standard output; from now on whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def repeat(step):
    """What runs `step` so many times."""

    def run(repeats):
        for _ in range(repeats):
            step()

    return run


def serve(answers, make_case, losses, version):
    """make_case(case, threads) gives what runs so many executions to their end, or None where that cannot be done."""
    times = Times(make_case)
    for line in sys.stdin:
        words = line.split()
        try:
            if words[0] == "version":
                answer = version()
            elif words[0] == "losses":
                found = losses(words[1], words[2])
                answer = "unsupported" if found is None else " ".join(f"{loss:.9g}" for loss in found)
            elif words[0] == "time":
                answer = times(words[1], int(words[2]), int(words[3]))
            else:
                answer = "unsupported"
        except Exception as error:  # one case that fails must not end the others
            print(f"{line.strip()}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            answer = "failed " + " ".join(f"{type(error).__name__}: {error}".split())[:200]
        print(answer, file=answers, flush=True)


class Times:
    def __init__(self, make_case):
        self.make_case, self.case, self.runs = make_case, None, {}

    def __call__(self, case, threads, repeats):
        if case != self.case:  # the memory of the case before is not needed any more
            self.case, self.runs = case, {}
        if threads not in self.runs:
            self.runs[threads] = self.make_case(case, threads)
            if self.runs[threads] is not None:
                self.runs[threads](CHAIN if case == "add_recorded" else WARM_UP)
        if self.runs[threads] is None:
            return "unsupported"
        begin = time.perf_counter()
        self.runs[threads](repeats)
        return f"{time.perf_counter() - begin:.9f}"
