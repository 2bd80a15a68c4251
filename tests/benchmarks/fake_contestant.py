# A contestant that computes nothing: fake_contestant.py NANOSECONDS [LOSSES]. Twice the threads take half the time.
import sys

nanoseconds, losses = float(sys.argv[1]), sys.argv[2:]
for line in sys.stdin:
    request = line.split()
    answer = "unsupported"
    if request[0] == "version":
        answer = f"a fake of {nanoseconds:g} ns"
    elif request[0] == "losses" and losses:
        open(request[2], "a").close()
        answer = " ".join(losses)
    elif request[:2] == ["time", "ends"]:
        sys.exit(3)
    elif request[:2] == ["time", "nonsense"]:
        answer = "soon"
    elif request[:2] == ["time", "fails"]:
        answer = "failed for a reason"
    elif request[0] == "time" and request[1] != "unknown":
        answer = repr(nanoseconds * 1e-9 * int(request[3]) / max(1, int(request[2])))
    print(answer, flush=True)
