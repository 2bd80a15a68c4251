# What is measured on whole programs: peak memory, the start of an app, building.
import contextlib
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contestants import WAITING

STEPS = 200
DRAWINGS = 40000


def environment(**more):
    return {**os.environ, **WAITING, **more}


def peak_memory(command, log, **more):
    """MiB that a process had resident at most."""
    with open(log, "w") as output:
        process = subprocess.Popen([str(p) for p in command], stdout=output, stderr=output, env=environment(**more))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with status {process.returncode}; see {log}")
    return usage.ru_maxrss / 1024


def random_drawings(path):
    """Bytes of the size of the app's drawings, as an npy file: for memory it does not matter what they show."""
    shape = (DRAWINGS, 28, 28, 1)
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        file.write(os.urandom(DRAWINGS * 28 * 28))


def penguins_memory(app, python, here, folder):
    """MiB of Floe's run, of PyTorch's, and of a PyTorch that has only been loaded."""
    random_drawings(folder / "drawings.npy")
    command = [app, "--epochs", 1, "--steps", STEPS, "--overwrite", "--out", folder / "penguins"]
    ours = peak_memory(command, folder / "penguins.log")
    theirs = peak_memory(
        [python, here / "torch_peer.py", "run-penguins", folder / "drawings.npy", STEPS], folder / "run-penguins.log"
    )
    loaded = peak_memory([python, "-c", "import torch"], folder / "import-torch.log", CUDA_VISIBLE_DEVICES="")
    return ours, theirs, loaded


def seconds_to_first_step(app, folder):
    """From the start of the process to the line that says that the first step is over.

    The drawings are there already. Behind a terminal, so that lines come at once."""
    controller, terminal = pty.openpty()
    begin = time.perf_counter()
    command = [app, "--epochs", "1", "--steps", "1", "--print", "1", "--overwrite", "--out", folder / "start"]
    process = subprocess.Popen([str(p) for p in command], stdout=terminal, stderr=terminal, env=environment())
    os.close(terminal)
    text, reached = b"", None
    with contextlib.suppress(OSError):  # the other end of the terminal is closed
        while part := os.read(controller, 4096):
            text += part
            if reached is None and b"\nstep 1\r" in text:
                reached = time.perf_counter() - begin
    os.close(controller)
    if process.wait() or reached is None:
        raise RuntimeError(f"{app} did not come to its first step: {text.decode(errors='replace')[-300:]}")
    return reached


def building(home, log):
    """Seconds to configure and build framework and penguins from a clone, and to build again for a touched app."""
    with tempfile.TemporaryDirectory() as folder, open(log, "w") as output:

        def run(*command):
            where = folder if command[0] == "git" else f"{folder}/floe"
            off = environment(CCACHE_DISABLE="1")
            begin = time.perf_counter()
            subprocess.run(command, cwd=where, check=True, stdout=output, stderr=output, env=off)
            return time.perf_counter() - begin

        run("git", "clone", "--quiet", "--no-hardlinks", str(home), "floe")
        cold = run("cmake", "--preset", "release", "-DFLOE_TESTS=OFF", "-DFLOE_APPS=ON")
        cold += run("ninja", "-C", "build/release", "penguins")
        os.utime(f"{folder}/floe/apps/penguins/penguins.cpp")
        return cold, run("ninja", "-C", "build/release", "penguins")
