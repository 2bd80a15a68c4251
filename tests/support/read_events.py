# What the tensorboard package reads from a folder of events, a line for each value: read_events.py FOLDER
import logging
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator as TensorBoardsOwn
from tensorboard.util.tensor_util import make_ndarray

logging.disable(logging.WARNING)  # that a resumed run takes back steps


def text_of(tensor):
    values = tensor.tolist()
    if tensor.ndim == 2:  # a histogram: left, right and count of each bucket
        return str([bucket for bucket in values if bucket[2]])
    if tensor.dtype == object:  # strings
        return " ".join(s.decode() if s.isascii() else s.hex() for s in tensor.flatten().tolist())
    return str(values)


# What the dashboards show: all kinds of values have become tensors.
shown = TensorBoardsOwn(sys.argv[1], tensor_size_guidance={name: 0 for name in ("scalars", "images", "text")})
shown.Reload()
for tag in sorted(shown.Tags()["tensors"]):
    plugin = shown.SummaryMetadata(tag).plugin_data.plugin_name
    for one in shown.Tensors(tag):
        print(plugin, tag, one.step, one.wall_time, text_of(make_ndarray(one.tensor_proto)))

# What other programs read: the sums of histograms too.
raw = EventAccumulator(sys.argv[1])
raw.Reload()
for tag in raw.Tags()["histograms"]:
    for one in raw.Histograms(tag):
        print(f"sum of {tag} {one.step}: {one.histogram_value.sum}")
