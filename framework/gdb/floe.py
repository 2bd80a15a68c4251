"""Floe's values in gdb, read from memory alone, so that they show in core dumps too.

    (gdb) source framework/gdb/floe.py
    (gdb) print x
    $1 = Tensor (2, 3) float32 cpu, min 1, mean 3.5, max 6, [1 2 3 4 5 6]
    (gdb) floe-print x

Shows tensors, variables, gradients, layers and models, optimizers, datasets, tapes, metrics and the small types around
them. What can be called in a living program is in watch/debug.h.

No printer calls anything in the program, nor prints a value while it prints another: gdb 13.1 does not survive that.
Before its constructor a value is whatever lay there, which a printer must survive, too.
"""
import array
import math

import gdb
import gdb.printing

KINDS = {"float32": "f", "float64": "d", "int32": "i", "int64": "q", "uint8": "B", "boolean": "B"}
FIRST = 8  # values shown on a line
MOST = 4_000_000  # elements read for min, mean and max
MOST_PARTS = 10_000  # parts of anything else: more are garbage


class Garbage(Exception):
    """This memory holds no such value."""


def require(sane):
    if not sane:
        raise Garbage


# --- Fields ----------------------------------------------------------------------------------------------------------


def enum_name(value):
    for field in value.type.strip_typedefs().fields():
        if field.enumval == int(value):
            return field.name.rpartition("::")[2]
    raise Garbage


def text_of(string):
    length = int(string["_M_string_length"])
    require(0 <= length <= MOST_PARTS)
    return string["_M_dataplus"]["_M_p"].string(length=length, errors="replace")


def name_of(pointer):
    return pointer.string(length=-1, errors="replace") if int(pointer) else ""


def vector_of(vector):
    first, last = vector["_M_impl"]["_M_start"], vector["_M_impl"]["_M_finish"]
    require(int(first) <= int(last) and int(last - first) <= MOST_PARTS)
    return [(first + i).dereference() for i in range(int(last - first))]


def deque_of(deque):
    start, finish = deque["_M_impl"]["_M_start"], deque["_M_impl"]["_M_finish"]
    each, at, end = max(1, 512 // start["_M_cur"].dereference().type.sizeof), start["_M_cur"], start["_M_last"]
    node, values = start["_M_node"], []
    while at != finish["_M_cur"]:
        require(len(values) <= MOST_PARTS)
        values.append(at.dereference())
        at += 1
        if at == end:
            node += 1
            at = node.dereference()
            end = at + each
    return values


def map_size(tree):
    size = int(tree["_M_t"]["_M_impl"]["_M_node_count"])
    require(0 <= size <= MOST_PARTS)
    return size


def counted(number, what):
    return "%d %s%s" % (number, what, "" if number == 1 else "s")


def flag(value):
    require(int(value) in (0, 1))
    return int(value) == 1


def finite(value):
    return "%.6g" % float(value)


# --- Shapes, devices, places -----------------------------------------------------------------------------------------


def sizes_of(shape):
    rank = int(shape["rank_"])
    require(0 <= rank <= 6)
    sizes = [int(shape["sizes_"]["_M_elems"][axis]) for axis in range(rank)]
    require(all(-1 <= size < 1 << 48 for size in sizes))
    return sizes


def shape_text(sizes):
    return "(%s%s)" % (", ".join(map(str, sizes)), "," if len(sizes) == 1 else "")


def dtype_text(dtype):
    name = enum_name(dtype)
    return "bool" if name == "boolean" else name


def device_text(device):
    kind, index = enum_name(device["kind"]), int(device["index"])
    require(0 <= index < 64)
    return kind if kind == "cpu" else "%s:%d" % (kind, index)


def place_text(where):
    return "%s:%d" % (name_of(where["file"]), int(where["line"])) if int(where["file"]) else "somewhere"


def id_text(node):
    bits = int(node["bits_"])
    blocked = ", blocked" if bits >> 62 & 1 else ""
    if bits >> 63:
        return "variable %d%s" % (bits & ~(3 << 62), blocked)
    return "op %d%s" % (bits & ~(3 << 62), blocked) if bits else "constant"


# --- Tensors ---------------------------------------------------------------------------------------------------------


def elements_of(tensor, most):
    """The first elements, and how many there are in all."""
    count = math.prod(sizes_of(tensor["shape_"]))
    kind = array.array(KINDS[enum_name(tensor["dtype_"])])
    block, data = tensor["storage_"]["block_"].dereference(), int(tensor["data_"])
    begin = int(block["data"])
    require(begin <= data and data + count * kind.itemsize <= begin + int(block["bytes"]))
    read = min(count, most)
    if read:
        kind.frombytes(gdb.selected_inferior().read_memory(data, read * kind.itemsize).tobytes())
    return kind, count


def number(value, dtype):
    if dtype == "bool":
        return ("False", "True")[value != 0]
    return finite(value) if isinstance(value, float) else str(value)


def describe(tensor):
    if int(tensor["storage_"]["block_"]) == 0:
        return "Tensor undefined"
    dtype, place = dtype_text(tensor["dtype_"]), device_text(tensor["device_"])
    text = "Tensor %s %s %s" % (shape_text(sizes_of(tensor["shape_"])), dtype, place)
    if place != "cpu":
        return text
    values, count = elements_of(tensor, MOST)
    numbers = [v for v in values if math.isfinite(v)]
    if numbers:
        text += ", min %.6g, mean %.6g, max %.6g" % (min(numbers), math.fsum(numbers) / len(numbers), max(numbers))
    if len(numbers) < len(values):
        nans = sum(1 for v in values if math.isnan(v))
        text += ", %d NaN, %d Inf" % (nans, len(values) - len(numbers) - nans)
    if count > len(values):
        text += " in the first %d" % len(values)
    shown = " ".join(number(v, dtype) for v in values[:FIRST])
    return text + ", [%s%s]" % (shown, " ..." if count > FIRST else "")


def whole(tensor):
    """Every element, in nested brackets."""
    sizes, dtype = sizes_of(tensor["shape_"]), dtype_text(tensor["dtype_"])
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


def describe_variable(variable):
    frozen = "" if flag(variable["trainable_"]) else ", not trainable"
    return "Variable %s%s, %s" % (text_of(variable["path_"]), frozen, describe(variable["value_"]))


# --- Attributes ------------------------------------------------------------------------------------------------------


def attribute_text(value):
    kind, size = enum_name(value["kind_"]), int(value["size_"])
    require(0 <= size <= MOST_PARTS)
    if kind == "list":
        return shape_text([int(value["list_"][i]) for i in range(size)])
    if kind == "text":
        return value["text_"].string(length=size, errors="replace")
    if kind == "boolean":
        return "true" if int(value["integer_"]) else "false"
    return finite(value["real_"]) if kind == "real" else str(int(value["integer_"]))


def attributes_text(attributes):
    size = int(attributes["size_"])
    require(0 <= size <= 100)
    all = [(attributes["first_"] + i).dereference() for i in range(size)]
    return ", ".join("%s %s" % (name_of(one["name"]), attribute_text(one["value"])) for one in all)


def op_text(op):
    text = name_of(op["name"])
    if int(op["attributes"]["size_"]):
        text += " with " + attributes_text(op["attributes"])
    if int(op["layer"]):
        text += ", layer " + name_of(op["layer"])
    return text + " at " + place_text(op["where"])


# --- What trains -----------------------------------------------------------------------------------------------------


def class_of(value):
    """What a value really is, also behind a reference to its base: Generator, Adam."""
    kind = value.dynamic_type.strip_typedefs().unqualified()
    return str(kind).replace("floe::", "").replace("(anonymous namespace)::", "")


def describe_layer(layer, base):
    path, variables = text_of(base["path_"].referenced_value()), len(deque_of(base["variables_"]))
    parts = len(vector_of(base["children_"]))
    text = "%s %s on %s, %s" % (class_of(layer), path, device_text(base["device_"]), dtype_text(base["dtype_"]))
    return text + "".join(", " + counted(n, what) for n, what in ((variables, "variable"), (parts, "part")) if n)


def parts_of_layer(base):
    start = len(text_of(base["path_"].referenced_value()))
    for variable in deque_of(base["variables_"]):
        path = text_of(variable["path_"])
        yield path[start:].lstrip("."), variable
    for child in vector_of(base["children_"]):
        path = text_of(child.dereference()["path_"].referenced_value())
        yield path[start:].lstrip("."), child.cast(child.dynamic_type).dereference()


def describe_optimizer(optimizer, base):
    slots = map_size(base["slots_"])
    return "%s, rate %s, %s%s" % (class_of(optimizer), finite(base["learning_rate_"]),
                                  counted(int(base["steps_"]), "step"),
                                  ", slots for " + counted(slots, "variable") if slots else "")


def describe_tape(tape):
    state = tape["state_"]["_M_ptr"].dereference()
    asked, stopped = flag(state["asked"]), int(state["stopped"]["bits_"])
    text = "has answered" if asked else "stopped" if stopped else "records"
    watched = len(vector_of(state["watched"]))
    return "GradientTape %s%s%s" % (text, ", persistent" if flag(state["persistent"]) else "",
                                    ", watches %d more" % watched if watched else "")


def describe_dataset(dataset):
    size, course = int(dataset["size_"]), dataset["course_"]["course_"]["_M_ptr"].dereference()
    epoch, position = int(course["place"]["epoch"]), int(course["place"]["position"])
    require(size >= 0 and epoch >= 0 and 0 <= position <= size)
    text = "endless" if size == (1 << 63) - 1 else counted(size, "element")
    looping = ", in a loop" if flag(course["looping"]) else ""
    return "Dataset, %s, epoch %d, %d given%s" % (text, epoch, position, looping)


def mean_text(mean):
    weight, waiting = float(mean["weight_"]), len(vector_of(mean["waiting_"]))
    text = "%s over %s" % (finite(float(mean["sum_"]) / weight) if weight else "nan", finite(weight))
    return text + (", and %s to read" % counted(waiting, "tensor") if waiting else "")


def describe_operand(operand):
    tensor = operand["tensor_"]
    what = describe(tensor.dereference()) if int(tensor) else "a number"
    return "%s at %s" % (what, place_text(operand["where_"]))


def number_text(number):
    return str(int(number["integer_"])) if int(number["exact_"]) else str(finite(number["real_"]))


def describe_number_or_operand(operand):
    if int(operand["tensor_"]):
        return describe_operand(operand)
    return "%s at %s" % (number_text(operand["number_"]), place_text(operand["where_"]))


def describe_storage(storage):
    if int(storage["block_"]) == 0:
        return "Storage without memory"
    block = storage["block_"].dereference()
    owners = int(block["owners"]["_M_i"])
    require(0 < owners < 1 << 32)
    return "Storage of %s on %s, %s" % (counted(int(block["bytes"]), "byte"), device_text(block["device"]),
                                        counted(owners, "owner"))


# --- Printers --------------------------------------------------------------------------------------------------------

SIMPLE = {
    "Tensor": describe,
    "Variable": describe_variable,
    "Number": number_text,
    "Shape": lambda v: shape_text(sizes_of(v)),
    "DType": dtype_text,
    "Device": device_text,
    "Device::Kind": enum_name,
    "Mode": enum_name,
    "Location": place_text,
    "NodeId": id_text,
    "Storage": describe_storage,
    "Rng": lambda v: "Rng %d at word %d" % (int(v["key_"]), int(v["position_"])),
    "Operand": describe_operand,
    "OperandOrNumber": describe_number_or_operand,
    "TensorRef": lambda v: describe(v["tensor_"].dereference()),
    "AttributeValue": attribute_text,
    "Attribute": lambda v: "%s %s" % (name_of(v["name"]), attribute_text(v["value"])),
    "Attributes": lambda v: "Attributes " + attributes_text(v),
    "KeptAttributes": lambda v: "Attributes " + attributes_text(v["attributes_"]),
    "OpInfo": op_text,
    "GradientTape": describe_tape,
    "DatasetPosition": lambda v: "epoch %d, %d given" % (int(v["epoch"]), int(v["position"])),
    "Mean": lambda v: "Mean " + mean_text(v),
    "Accuracy": lambda v: "Accuracy " + mean_text(v["mean_"]),
    "Profile": lambda v: "Profile of " + counted(map_size(v["rows_"]), "kind") + " of ops",
    "CheckNumerics": lambda v: "CheckNumerics",
}


class Printer:
    """A line about a value, made once, and its parts. Where the memory holds no such value, the line says so."""

    def __init__(self, name, describe, parts=lambda: ()):
        try:
            self.text, self.parts = describe(), list(parts())
        except Exception:  # gdb's errors about memory and Python's about numbers: whatever garbage leads to
            self.text, self.parts = name + " without a value yet, or a broken one", []

    def to_string(self):
        return self.text


class PrinterWithParts(Printer):
    def children(self):
        return iter(self.parts)


def gradients_text(gradients):
    return "Gradients of " + counted(len(vector_of(gradients["entries_"])), "variable")


def parts_of_gradients(gradients):
    for entry in vector_of(gradients["entries_"]):
        yield text_of(entry["variable"].dereference()["path_"]), entry["gradient"]


def base_of(kind, name):
    """The class of this name among a type and its bases; None if it is none of them."""
    kind = kind.strip_typedefs().unqualified()
    if kind.tag == name:
        return kind
    bases = (base_of(field.type, name) for field in kind.fields() if field.is_base_class)
    return next((base for base in bases if base), None)


class Lookup(gdb.printing.PrettyPrinter):
    def __init__(self):
        super().__init__("floe")

    def __call__(self, value):
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        kind = value.type.strip_typedefs().unqualified()
        if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_ENUM) or not kind.tag:
            return None
        name = kind.tag[len("floe::"):] if kind.tag.startswith("floe::") else ""
        if name in SIMPLE:
            return Printer(name, lambda: SIMPLE[name](value))
        if name == "Gradients":
            return PrinterWithParts(name, lambda: gradients_text(value), lambda: parts_of_gradients(value))
        if name.startswith("Dataset<") and name.endswith(">"):
            return Printer("Dataset", lambda: describe_dataset(value))
        if kind.code != gdb.TYPE_CODE_STRUCT:
            return None
        if layer := base_of(kind, "floe::Layer"):
            return PrinterWithParts("Layer", lambda: describe_layer(value, value.cast(layer)),
                                    lambda: parts_of_layer(value.cast(layer)))
        if optimizer := base_of(kind, "floe::Optimizer"):
            return Printer("Optimizer", lambda: describe_optimizer(value, value.cast(optimizer)))
        return None


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
        line = Printer(kind.rpartition("::")[2], lambda: SIMPLE[kind.rpartition("::")[2]](value))
        print(line.to_string())
        tensor = value["value_"] if kind == "floe::Variable" else value
        rest = Printer("", lambda: whole(tensor) if int(tensor["storage_"]["block_"]) else "")
        if not line.to_string().endswith("broken one") and rest.to_string():
            print(rest.to_string())


gdb.printing.register_pretty_printer(None, Lookup(), replace=True)
FloePrint()
