# Contestants: long-lived processes that answer one line for each request; peer.py tells the protocol.
import os
import select
import subprocess

# As ./floe sets it: threads that wait spin for a moment and then sleep.
WAITING = {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "2000")}


class Failed(Exception):
    """A contestant that ended, answered nonsense, or did not answer in time."""


class Contestant:
    def __init__(self, framework, mode, command, environment=None, threads=None, log=None, precision=""):
        self.framework, self.mode, self.command = framework, mode, [str(part) for part in command]
        self.precision = precision  # in which a GPU multiplies
        self.environment = {**os.environ, **(environment or {})}
        self.threads = threads or [number_of_cores()]  # the numbers of threads to try; 0 where they do not matter
        self.log = log
        self.process = None
        self.failures = []

    @property
    def name(self):
        return " ".join(word for word in (self.framework, self.mode, self.precision) if word)

    def ask(self, request, timeout=900):
        """The answer, or None for what the contestant does not do."""
        if self.process is None:
            self.start()
        try:
            self.process.stdin.write(request.encode() + b"\n")
            answer = self.read_line(timeout)
        except OSError as error:
            raise self.stopped(f"has ended: {error}")
        if answer.startswith("failed"):
            raise Failed(f"{self.name}: {answer}")
        return None if answer == "unsupported" else answer

    def seconds(self, case, threads, repeats):
        """Seconds for one execution, or None."""
        answer = self.ask(f"time {case} {threads} {repeats}")
        return None if answer is None else self.numbers(answer)[0] / repeats

    def losses(self, case, file):
        answer = self.ask(f"losses {case} {file}")
        return None if answer is None else self.numbers(answer)

    def numbers(self, answer):
        try:
            found = [float(word) for word in answer.split()]
        except ValueError:
            found = []
        if not found:
            raise Failed(f"{self.name}: answered {answer!r} instead of numbers")
        return found

    def start(self):
        with open(self.log or os.devnull, "w") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0, env=self.environment
            )
        self.rest = b""

    def read_line(self, timeout):
        while b"\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], timeout)[0]:
                raise self.stopped(f"did not answer within {timeout} s")
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                raise self.stopped(f"has ended with status {self.process.wait()}")
            self.rest += part
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode().strip()

    def stopped(self, what):
        if self.process.poll() is None:
            self.process.kill()
        self.close()
        return Failed(f"{self.name}: {what}" + (f"; see {self.log}" if self.log else ""))

    def close(self):
        """Ends it, if it has begun; another request would begin it again."""
        if self.process is None:
            return
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None


def number_of_cores():
    return len(os.sched_getaffinity(0))
