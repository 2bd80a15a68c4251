# What a result depends on besides the programs: the machine, its system, the compiler, the commit.
import os
import re
import subprocess

from contestants import number_of_cores


def output_of(*command, **options):
    try:
        run = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
        return run.stdout.strip() if run.returncode == 0 else ""
    except OSError:
        return ""


def first_line(text):
    return text.splitlines()[0] if text else ""


def describe(home, build):
    """Pairs of a name and a value."""
    cpu = dict(re.findall(r"^\s*([^:\n]+):\s*(.+)$", output_of("lscpu", env={**os.environ, "LC_ALL": "C"}), re.M))
    memory = re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo").read())
    system = dict(re.findall(r'^(\w+)="?([^"\n]*)', open("/etc/os-release").read(), re.M))
    model = cpu.get("Model name", "unknown")
    virtual = f", a virtual machine ({cpu['Hypervisor vendor']})" if "Hypervisor vendor" in cpu else ""
    widest = next((name for name in ("avx512f", "avx2", "avx") if name in cpu.get("Flags", "").split()), "")
    caches = ", ".join(
        f"{name} {cpu[name + ' cache'].split(' (')[0]}" for name in ("L1d", "L2", "L3") if name + " cache" in cpu
    )
    changes = output_of("git", "-C", home, "status", "--porcelain", "--untracked-files=no")
    written = ("benchmarks/RESULTS.md", "benchmarks/RESULTS-gpu.md")
    changed = [line for line in changes.splitlines() if not line.endswith(written)]
    commit = output_of("git", "-C", home, "rev-parse", "--short", "HEAD") or "unknown"
    return [
        ("date", output_of("date", "+%Y-%m-%d")),
        ("commit", commit + (", changed" if changed else "")),
        ("processor", f"{model}, {number_of_cores()} cores, {widest.upper()}{virtual}"),
        ("caches", caches),
        ("memory", f"{int(memory[1]) / 2**20:.0f} GiB"),
        ("system", f"{system.get('PRETTY_NAME', '')}, Linux {os.uname().release}"),
        ("compiler", compiler(build)),
        ("load before the run", f"{os.getloadavg()[0]:.2f}"),
    ]


def gpu():
    """Pairs of a name and a value, or none without a GPU."""
    card = first_line(output_of("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"))
    if card.count(",") != 2:
        return []
    name, memory, driver = (part.strip() for part in card.split(","))
    return [("card", f"{name}, {memory}"), ("driver", driver)]


def compiler(build):
    cache = build / "CMakeCache.txt"
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache.read_text(), re.M) if cache.exists() else None
    return first_line(output_of(found[1], "--version")) if found else "unknown"
