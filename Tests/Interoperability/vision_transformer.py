"""A vision transformer: DeiT's topology, batch 1, 3x224x224, random weights, as exporters write it. For
measuring speed: vision_transformer.py OUT.onnx [WIDTH=192] [HEADS=3] [DEPTH=12]"""

import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

PATCH = 16


class VisionTransformer:
    def __init__(self, width, heads, depth, side=224, classes=1000):
        self.width, self.heads, self.side, self.classes = width, heads, side, classes
        self.random = numpy.random.default_rng(0)
        self.nodes, self.constants = [], []
        places = (side // PATCH) ** 2
        patches = self.weight(width, 3, PATCH, PATCH)
        x = self.node("Conv", "input", patches, strides=[PATCH, PATCH], kernel_shape=[PATCH, PATCH])
        x = self.node("Reshape", x, self.constant(numpy.int64([1, width, places])))
        x = self.node("Transpose", x, perm=[0, 2, 1])
        x = self.node("Concat", self.weight(1, 1, width), x, axis=1)
        x = self.node("Add", x, self.weight(1, places + 1, width))
        for _ in range(depth):
            x = self.node("Add", x, self.attention(self.norm(x)))
            hidden = self.gelu(self.linear(self.norm(x), width, 4 * width))
            x = self.node("Add", x, self.linear(hidden, 4 * width, width))
        x = self.node("Gather", self.norm(x), self.constant(numpy.array(0)), axis=1)
        self.node("Gemm", x, self.weight(width, classes), self.weight(classes))

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, *shape):
        fan = numpy.prod(shape[1:] if len(shape) > 2 else shape[:1])
        return self.constant((self.random.normal(0, fan**-0.5, shape)).astype(numpy.float32))

    def node(self, operator, *inputs, **attributes):
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def scalar(self, value):
        return self.constant(numpy.float32(value))

    def linear(self, x, rows, columns):
        return self.node("Add", self.weight(columns), self.node("MatMul", x, self.weight(rows, columns)))

    def norm(self, x):
        scale, bias = numpy.ones(self.width), numpy.zeros(self.width)
        parameters = [self.constant(values.astype(numpy.float32)) for values in (scale, bias)]
        return self.node("LayerNormalization", x, *parameters, axis=-1, epsilon=1e-6)

    def gelu(self, x):
        raised = self.node("Erf", self.node("Div", x, self.scalar(2**0.5)))
        raised = self.node("Add", raised, self.scalar(1))
        return self.node("Mul", self.node("Mul", x, raised), self.scalar(0.5))

    def split(self, x, order):
        shape = numpy.int64([1, -1, self.heads, self.width // self.heads])
        return self.node("Transpose", self.node("Reshape", x, self.constant(shape)), perm=order)

    def attention(self, x):
        q, k, v = (self.linear(x, self.width, self.width) for _ in range(3))
        scores = self.node("MatMul", self.split(q, [0, 2, 1, 3]), self.split(k, [0, 2, 3, 1]))
        scaled = self.node("Mul", scores, self.scalar((self.width // self.heads) ** -0.5))
        mixed = self.node("MatMul", self.node("Softmax", scaled, axis=-1), self.split(v, [0, 2, 1, 3]))
        rows = self.node("Transpose", mixed, perm=[0, 2, 1, 3])
        rows = self.node("Reshape", rows, self.constant(numpy.int64([1, -1, self.width])))
        return self.linear(rows, self.width, self.width)

    def model(self):
        self.nodes[-1].output[0] = "output"
        graph = helper.make_graph(
            self.nodes,
            "vision transformer",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, self.side, self.side])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, self.classes])],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        onnx.checker.check_model(model)
        return model


if __name__ == "__main__":
    path, *sizes = sys.argv[1:]
    width, heads, depth = [int(size) for size in sizes] or [192, 3, 12]
    onnx.save(VisionTransformer(width, heads, depth).model(), path)
