# Prints what lies at `bytes` as every type that has a printer, and as some that hold such: none may fail.
import gdb

NAMES = """Tensor Variable Gradients Shape DType Device Location NodeId Storage Rng Operand OperandOrNumber TensorRef
AttributeValue Attribute Attributes KeptAttributes OpInfo GradientTape GradientOptions DatasetPosition Dataset<floe::Tensor>
Mean Accuracy Profile CheckNumerics Layer Dense BatchNormalization Conv2D Dropout Sequential Optimizer Adam SGD TopK
Mode""".split()

for name in NAMES:
    for _ in range(2):
        gdb.execute("print *(floe::%s*)bytes" % name)
gdb.execute("print *(Generator*)bytes")
gdb.execute("floe-print *(floe::Tensor*)bytes")
