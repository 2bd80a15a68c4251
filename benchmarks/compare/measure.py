# Measuring in turns: every round asks every entrant once, so that what disturbs the machine disturbs all of them.
import contextlib
import math
import statistics
import sys
from collections import namedtuple

from contestants import Failed

ROUND = 0.3  # seconds that an entrant takes in a round, where one execution does not take longer
AGREEMENT = 1e-4  # relative difference of losses
GPU_AGREEMENT = {"float32": 1e-3, "tf32": 1e-2, "bf16": 1e-1}  # the same beside the CPU

Entrant = namedtuple("Entrant", "contestant case threads")


class Spread(namedtuple("Spread", "median low high")):
    """The median of what the rounds gave, and the least and most of it."""

    @staticmethod
    def of(values):
        return Spread(statistics.median(values), min(values), max(values))


class Result:
    """What the rounds of one case gave: for each entrant the seconds of one execution, round by round."""

    def __init__(self, case, times):
        self.case, self.times = case, times

    def times_of(self, framework, case=None, threads=None, modes=None):
        """Of the framework's fastest entrant, its best mode and number of threads, or on so many, or of these modes;
        None without one."""
        entrant = self.best(framework, case, threads, modes)
        return entrant and self.times[entrant]

    def best(self, framework, case=None, threads=None, modes=None):
        fitting = [
            entrant
            for entrant in self.times
            if entrant.contestant.framework == framework
            and entrant.case == (case or self.case)
            and (modes is None or entrant.contestant.mode in modes)
            and (entrant.threads == threads if threads else entrant.threads in entrant.contestant.threads)
        ]
        return min(fitting, key=lambda entrant: statistics.median(self.times[entrant]), default=None)


def ratio(some, others):
    """The spread of the ratios within each round."""
    return Spread.of([a / b for a, b in zip(some, others)])


def calibrated(entrant, quantum):
    """So many repeats, a multiple of the quantum, that a round takes its time; None if the entrant cannot do it."""
    repeats = quantum
    while True:
        seconds = entrant.contestant.seconds(entrant.case, entrant.threads, repeats)
        if seconds is None:
            return None
        if seconds * repeats >= ROUND / 10 or repeats >= 10**8:
            return max(1, math.ceil(ROUND / max(seconds, 1e-12) / quantum)) * quantum
        repeats *= 8


def measure(case, entrants, rounds, quantum=1):
    """A Result of the entrants that could do it. One that fails is left out, and its contestant keeps why."""
    repeats, times = {}, {}
    for entrant in entrants:
        with noting(entrant, repeats):
            if count := calibrated(entrant, quantum):
                repeats[entrant], times[entrant] = count, []

    for turn in range(rounds):
        order = list(times)
        start = turn % max(1, len(order))
        for entrant in order[start:] + order[:start]:
            with noting(entrant, times):
                seconds = entrant.contestant.seconds(entrant.case, entrant.threads, repeats[entrant])
                if seconds is None:
                    raise Failed(f"{entrant.contestant.name}: does not do it any more")
                times[entrant].append(seconds)
    return Result(case, times)


@contextlib.contextmanager
def noting(entrant, known):
    """An entrant that fails inside is known no more, and its contestant keeps why."""
    try:
        yield
    except Failed as failure:
        known.pop(entrant, None)
        entrant.contestant.failures.append(f"{entrant.case}: {failure}")
        print(entrant.contestant.failures[-1], file=sys.stderr)


def disagreement(ours, theirs, limit):
    """What is wrong with a contestant's losses, or None."""
    if len(ours) != len(theirs):
        return f"{len(theirs)} losses instead of {len(ours)}"
    worst = max(abs(a - b) / max(abs(a), 1e-30) for a, b in zip(ours, theirs))
    if not worst <= limit:  # also NaN
        return f"losses differ by {worst:.1e} of their size, more than {limit:g}"
    return None


def agreeing(case, reference, contestants, file, limit=AGREEMENT):
    """The contestants to time: all that give the same losses as the reference, which writes the file with weights and
    inputs, or that do not do the case; and a sentence for each that disagrees."""
    ours = reference.losses(case, file)
    if ours is None:
        return contestants, []
    agree, refused = [], []
    for contestant in contestants:
        try:
            theirs = contestant.losses(case, file)
            wrong = theirs and disagreement(ours, theirs, limit)
        except Failed as failure:
            wrong = str(failure)
        if wrong:
            refused.append(f"{case}: {contestant.name} is not timed: {wrong}")
            print(refused[-1], file=sys.stderr)
        else:
            agree.append(contestant)
    return agree, refused
