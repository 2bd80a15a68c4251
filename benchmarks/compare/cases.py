# The cases: what each is called, what it is in words, and what belongs to its rounds besides.
from collections import namedtuple

from contestants import number_of_cores

MIB = 2**20
LARGE = 64 * MIB  # bytes of a large tensor

PRECISIONS = ("float32", "tf32", "bf16")  # how a GPU multiplies

Case = namedtuple(
    "Case",
    "words quantum losses moved extra launch_bound precisions",
    defaults=(1, False, None, (), False, PRECISIONS[:1]),
)

# moved: the bytes that the case must move at the least. extra: Floe's own entrants of the same rounds, (case, threads),
# where 0 threads stands for all. launch_bound: a GPU would be done sooner if it were given its work faster.
COPY = ("copy", 0)
CASES = {
    "add": Case("adding one element to another"),
    "add_recorded": Case("the same for an input that needs a gradient", quantum=1000),
    "small_network": Case("sum(tanh(A W)), 32 x 32, forward and backward to W"),
    "matmul_1024": Case("1024 x 1024 by 1024 x 1024"),
    "conv_penguins": Case("64 x 14 x 14 x 64, 128 filters 5 x 5, stride 2: forward, to the input, to the filters"),
    "conv_resnet": Case("8 x 56 x 56 x 64, 64 filters 3 x 3: forward, to the input, to the filters"),
    "exp": Case("16 Mi floats", moved=2 * LARGE, extra=(COPY,)),
    "relu": Case("16 Mi floats", moved=2 * LARGE, extra=(COPY,)),
    "add_large": Case("16 Mi floats and 16 Mi floats", moved=3 * LARGE, extra=(COPY,)),
    "sum": Case("16 Mi floats"),
    "softmax": Case("8192 x 1000, over the last axis"),
    "batch_norm": Case(
        "64 x 56 x 56 x 64, training, with running statistics", moved=3 * 64 * 56 * 56 * 64 * 4, extra=(COPY,)
    ),
    "adam": Case("a step on 4 tensors of 4 Mi floats", moved=7 * LARGE, extra=(COPY,)),
    "penguins_64": Case(
        "a training step, batch 64",
        losses=True,
        extra=(("bare_penguins_64", 0), ("penguins_64", 1), ("penguins_64", 2)),
    ),
    "penguins_256": Case("a training step, batch 256", losses=True, extra=(("bare_penguins_256", 0),)),
    "snowflakes_100": Case("a training step, batch 100, mmd", losses=True),
}

# On a GPU, whose caches are larger and whose work must be.
GPU_CASES = {
    "small_network": Case("sum(tanh(A W)), 32 x 32, forward and backward to W", launch_bound=True),
    "penguins_256": Case("a training step, batch 256", losses=True, launch_bound=True, precisions=PRECISIONS),
    "penguins_2048": Case("a training step, batch 2048", losses=True, precisions=PRECISIONS),
    "snowflakes_100": Case("a training step, batch 100, mmd", losses=True, launch_bound=True, precisions=PRECISIONS),
    "matmul_4096": Case("4096 x 4096 by 4096 x 4096", precisions=PRECISIONS),
    "conv_resnet": Case(
        "64 x 56 x 56 x 64, 64 filters 3 x 3: forward, to the input, to the filters", precisions=PRECISIONS
    ),
    "exp": Case("64 Mi floats"),
    "add_large": Case("64 Mi floats and 64 Mi floats"),
    "softmax": Case("65536 x 1000, over the last axis"),
    "batch_norm": Case("256 x 56 x 56 x 64, training, with running statistics"),
    "adam": Case("a step on 4 tensors of 16 Mi floats"),
}


def extra_entrants(name):
    """(case, threads) of Floe's own, without those that every contestant is asked for."""
    cores = number_of_cores()
    found = [(case, threads or cores) for case, threads in CASES[name].extra if threads <= cores]
    return [entrant for entrant in found if entrant != (name, cores)]
