"""A vision transformer: DeiT's topology, batch 1, 3x224x224, random weights, as exporters write it. For
measuring speed: vision_transformer.py OUT.onnx [WIDTH=192] [HEADS=3] [DEPTH=12]"""

import sys

import numpy
import onnx
from patterns import Builder

PATCH = 16


class VisionTransformer(Builder):
    def __init__(self, width, heads, depth, side=224, classes=1000):
        super().__init__("vision transformer", [1, 3, side, side])
        self.width, self.heads = width, heads
        places = (side // PATCH) ** 2
        patches = self.weight(width, 3, PATCH, PATCH)
        x = self.node("Conv", "x", patches, strides=[PATCH, PATCH], kernel_shape=[PATCH, PATCH])
        x = self.node("Reshape", x, self.constant(numpy.int64([1, width, places])))
        x = self.node("Transpose", x, perm=[0, 2, 1])
        x = self.node("Concat", self.weight(1, 1, width), x, axis=1)
        x = self.node("Add", x, self.weight(1, places + 1, width))
        for _ in range(depth):
            x = self.node("Add", x, self.attention(self.norm(x)))
            hidden = self.gelu(self.linear(self.norm(x), width, 4 * width))
            x = self.node("Add", x, self.linear(hidden, 4 * width, width))
        x = self.node("Gather", self.norm(x), self.constant(numpy.array(0)), axis=1)
        self.scores = self.node("Gemm", x, self.weight(width, classes), self.weight(classes))

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


if __name__ == "__main__":
    path, *sizes = sys.argv[1:]
    width, heads, depth = [int(size) for size in sizes] or [192, 3, 12]
    network = VisionTransformer(width, heads, depth)
    onnx.save(network.inferred(network.scores), path)
