"""Floe's values in gdb, read from memory alone, so that they show in core dumps too.

    (gdb) source framework/gdb/floe.py
    (gdb) print x
    $1 = Tensor (2, 3) float32 cpu, min 1, mean 3.5, max 6, [1 2 3 4 5 6]
    (gdb) floe-print x

Shows Tensor, Variable, Gradients, Shape and DType. What can be called in a living program is in watch/debug.h.
"""
import array
import math

import gdb
import gdb.printing

KINDS = {"float32": "f", "float64": "d", "int32": "i", "int64": "q", "uint8": "B", "boolean": "B"}
FIRST = 8  # values shown on a line
MOST = 4_000_000  # elements read for min, mean and max


def dtype_of(value):
    return str(value.cast(value.type.strip_typedefs()).format_string(raw=True)).rpartition("::")[2]


def sizes_of(shape):
    return [int(shape["sizes_"]["_M_elems"][axis]) for axis in range(int(shape["rank_"]))]


def shape_text(sizes):
    return "(%s%s)" % (", ".join(map(str, sizes)), "," if len(sizes) == 1 else "")


def text_of(string):
    return string["_M_dataplus"]["_M_p"].string(length=int(string["_M_string_length"]))


def elements_of(tensor, most):
    """The first elements, and how many there are in all."""
    count = math.prod(sizes_of(tensor["shape_"]))
    kind = array.array(KINDS[dtype_of(tensor["dtype_"])])
    read = min(count, most)
    if read:
        kind.frombytes(gdb.selected_inferior().read_memory(int(tensor["data_"]), read * kind.itemsize).tobytes())
    return kind, count


def number(value, dtype):
    return ("False", "True")[value] if dtype == "boolean" else "%.6g" % value if isinstance(value, float) else str(value)


def describe(tensor):
    if int(tensor["storage_"]["block_"]) == 0:
        return "Tensor undefined"
    dtype = dtype_of(tensor["dtype_"])
    name = "bool" if dtype == "boolean" else dtype
    place = str(tensor["device_"]["kind"]).rpartition("::")[2]
    text = "Tensor %s %s %s" % (shape_text(sizes_of(tensor["shape_"])), name, place)
    if place != "cpu":
        return text
    try:
        values, count = elements_of(tensor, MOST)
    except gdb.MemoryError:
        return text + ", its elements cannot be read"

    finite = [v for v in values if math.isfinite(v)]
    if finite:
        text += ", min %.6g, mean %.6g, max %.6g" % (min(finite), math.fsum(finite) / len(finite), max(finite))
    if len(finite) < len(values):
        nans = sum(1 for v in values if math.isnan(v))
        text += ", %d NaN, %d Inf" % (nans, len(values) - len(finite) - nans)
    if count > len(values):
        text += " in the first %d" % len(values)
    shown = " ".join(number(v, dtype) for v in values[:FIRST])
    return text + ", [%s%s]" % (shown, " ..." if count > FIRST else "")


def whole(tensor):
    """Every element, in nested brackets."""
    sizes, dtype = sizes_of(tensor["shape_"]), dtype_of(tensor["dtype_"])
    cells = [number(v, dtype) for v in elements_of(tensor, 1 << 62)[0]]
    width = max(map(len, cells), default=0)

    def part(axis, begin, step):
        if axis == len(sizes):
            return cells[begin].rjust(width)
        step = step // sizes[axis] if sizes[axis] else 0
        rows = [part(axis + 1, begin + i * step, step) for i in range(sizes[axis])]
        last = axis == len(sizes) - 1
        return "[" + (" " if last else "\n" + " " * (axis + 1)).join(rows) + "]"

    return part(0, 0, len(cells))


class TensorPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return describe(self.value)


class VariablePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        frozen = "" if self.value["trainable_"] else ", not trainable"
        return "Variable %s%s, %s" % (text_of(self.value["path_"]), frozen, describe(self.value["value_"]))


class GradientsPrinter:
    def __init__(self, value):
        entries = value["entries_"]["_M_impl"]
        self.first, self.count = entries["_M_start"], int(entries["_M_finish"] - entries["_M_start"])

    def to_string(self):
        return "Gradients of %d variable%s" % (self.count, "" if self.count == 1 else "s")

    def children(self):
        for i in range(self.count):
            entry = (self.first + i).dereference()
            yield text_of(entry["variable"].dereference()["path_"]), entry["gradient"]


class ShapePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return shape_text(sizes_of(self.value))


class DTypePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        dtype = dtype_of(self.value)
        return "bool" if dtype == "boolean" else dtype


class FloePrint(gdb.Command):
    """floe-print EXPRESSION: every element of a tensor or variable, after its line."""

    def __init__(self):
        super().__init__("floe-print", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        value = gdb.parse_and_eval(argument)
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
            value = value.dereference()
        kind = value.type.strip_typedefs().unqualified().tag
        if kind not in ("floe::Tensor", "floe::Variable"):
            raise gdb.GdbError("floe-print: %s is a %s, neither a Tensor nor a Variable" % (argument, value.type))
        print(value.format_string())
        tensor = value["value_"] if kind == "floe::Variable" else value
        if int(tensor["storage_"]["block_"]) != 0:
            print(whole(tensor))


def register():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("floe")
    for name, printer in (("Tensor", TensorPrinter), ("Variable", VariablePrinter), ("Gradients", GradientsPrinter),
                          ("Shape", ShapePrinter), ("DType", DTypePrinter)):
        printers.add_printer(name, "^floe::%s$" % name, printer)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
    FloePrint()


register()
