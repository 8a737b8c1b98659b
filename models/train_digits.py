"""Trains models/digits.onnx, a small residual CNN on scikit-learn's handwritten digits, and writes the data files beside it.

Needs numpy, scikit-learn 1.9, jax 0.4 and onnx. Usage: python models/train_digits.py
Split (by a fixed permutation): 64 calibration images, 640 evaluation images, the rest for training.
"""
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

FOLDER = pathlib.Path(__file__).resolve().parent
EPOCHS, BATCH, RATE, DECAY, MOMENTUM, EPSILON = 120, 64, 3e-3, 2e-4, 0.9, 1e-5

# (name, input channels, output channels, kernel, groups)
CONVOLUTIONS = [
    ("stem", 1, 16, 3, 1),
    ("block1_conv1", 16, 16, 3, 1),
    ("block1_conv2", 16, 16, 3, 1),
    ("expand", 16, 48, 1, 1),
    ("depthwise", 48, 48, 3, 48),
    ("project", 48, 32, 1, 1),
    ("block2_conv1", 32, 32, 3, 1),
    ("block2_conv2", 32, 32, 3, 1),
]


def load():
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    labels = digits.target.astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(images))
    return [(images[part], labels[part]) for part in np.split(order, [64, 704])]


def initial(key):
    parameters, statistics = {}, {}
    for name, cin, cout, kernel, groups in CONVOLUTIONS:
        key, sub = jax.random.split(key)
        fan = cin // groups * kernel * kernel
        parameters[name] = jax.random.normal(sub, (cout, cin // groups, kernel, kernel)) * np.sqrt(2 / fan)
        parameters[name + "_scale"], parameters[name + "_shift"] = jnp.ones(cout), jnp.zeros(cout)
        statistics[name] = (jnp.zeros(cout), jnp.ones(cout))
    parameters["classifier"] = jax.random.normal(key, (10, 32)) * np.sqrt(1 / 32)
    parameters["classifier_bias"] = jnp.zeros(10)
    return parameters, statistics


def forward(parameters, statistics, x, training):
    updated = {}

    def convolve(name, x):
        _, _, _, kernel, groups = next(c for c in CONVOLUTIONS if c[0] == name)
        pad = kernel // 2
        y = jax.lax.conv_general_dilated(x, parameters[name], (1, 1), [(pad, pad)] * 2, feature_group_count=groups)
        if training:
            mean, variance = y.mean((0, 2, 3)), y.var((0, 2, 3))
            old = statistics[name]
            updated[name] = (MOMENTUM * old[0] + (1 - MOMENTUM) * mean, MOMENTUM * old[1] + (1 - MOMENTUM) * variance)
        else:
            mean, variance = statistics[name]
        channel = lambda v: v[None, :, None, None]
        y = (y - channel(mean)) / jnp.sqrt(channel(variance) + EPSILON)
        return y * channel(parameters[name + "_scale"]) + channel(parameters[name + "_shift"])

    x = jax.nn.relu(convolve("stem", x))
    x = jax.nn.relu(x + convolve("block1_conv2", jax.nn.relu(convolve("block1_conv1", x))))
    x = jnp.clip(convolve("expand", x), 0, 6)
    x = jnp.clip(convolve("depthwise", x), 0, 6)
    x = convolve("project", x)
    x = x.reshape(x.shape[0], 32, 4, 2, 4, 2).max((3, 5))
    x = jax.nn.relu(x + convolve("block2_conv2", jax.nn.relu(convolve("block2_conv1", x))))
    return x.mean((2, 3)) @ parameters["classifier"].T + parameters["classifier_bias"], updated


def augment(generator, images):
    """Shifts every image by at most one pixel in each direction."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows, columns = generator.integers(0, 3, (2, len(images)))
    return np.stack([p[:, r : r + 8, c : c + 8] for p, r, c in zip(padded, rows, columns)])


def train(images, labels):
    parameters, statistics = initial(jax.random.PRNGKey(0))
    moments = jax.tree.map(lambda v: (jnp.zeros_like(v), jnp.zeros_like(v)), parameters)
    generator = np.random.default_rng(1)
    steps = EPOCHS * (len(images) // BATCH)

    @jax.jit
    def step(parameters, moments, statistics, x, y, index):
        def loss(parameters):
            logits, updated = forward(parameters, statistics, x, True)
            target = 0.9 * jax.nn.one_hot(y, 10) + 0.01
            return -(target * jax.nn.log_softmax(logits)).sum(1).mean(), updated

        gradients, updated = jax.grad(loss, has_aux=True)(parameters)
        rate = RATE * 0.5 * (1 + jnp.cos(jnp.pi * index / steps))
        new_parameters, new_moments = {}, {}
        for name, g in gradients.items():
            m, v = moments[name]
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            scale = jnp.sqrt(1 - 0.999 ** (index + 1)) / (1 - 0.9 ** (index + 1))
            new_parameters[name] = parameters[name] * (1 - rate * DECAY) - rate * scale * m / (jnp.sqrt(v) + 1e-8)
            new_moments[name] = (m, v)
        return new_parameters, new_moments, updated

    index = 0
    for _ in range(EPOCHS):
        order = generator.permutation(len(images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            x = augment(generator, images[batch])
            parameters, moments, statistics = step(parameters, moments, statistics, x, labels[batch], index)
            index += 1
    return jax.tree.map(np.asarray, (parameters, statistics))


def export(parameters, statistics, path):
    nodes, weights = [], []

    def constant(name, value):
        weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def convolve(name, x):
        _, _, _, kernel, groups = next(c for c in CONVOLUTIONS if c[0] == name)
        weight = constant(name + ".weight", parameters[name])
        y = node("Conv", [x, weight], name, kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4, group=groups)
        mean, variance = statistics[name]
        normalization = [
            constant(name + ".scale", parameters[name + "_scale"]), constant(name + ".shift", parameters[name + "_shift"]),
            constant(name + ".mean", mean), constant(name + ".variance", variance),
        ]
        return node("BatchNormalization", [y] + normalization, name + "_norm", epsilon=EPSILON)

    relu = lambda x: node("Relu", [x], x + "_relu")
    constant("zero", 0.0), constant("six", 6.0)
    clip = lambda x: node("Clip", [x, "zero", "six"], x + "_clip")
    x = relu(convolve("stem", "image"))
    y = convolve("block1_conv2", relu(convolve("block1_conv1", x)))
    x = relu(node("Add", [x, y], "block1_add"))
    x = convolve("project", clip(convolve("depthwise", clip(convolve("expand", x)))))
    x = node("MaxPool", [x], "pool", kernel_shape=[2, 2], strides=[2, 2])
    y = convolve("block2_conv2", relu(convolve("block2_conv1", x)))
    x = relu(node("Add", [x, y], "block2_add"))
    x = node("Flatten", [node("GlobalAveragePool", [x], "average")], "features")
    head = [constant("classifier.weight", parameters["classifier"]), constant("classifier.bias", parameters["classifier_bias"])]
    node("Gemm", [x] + head, "logits", transB=1)

    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "digits", [value("image", ["N", 1, 8, 8])], [value("logits", ["N", 10])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="tapq")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


(calibration, _), (evaluation, labels), (images, targets) = load()
parameters, statistics = train(images, targets)
logits, _ = forward(parameters, statistics, evaluation, False)
print("top-1 on the evaluation split:", float((np.argmax(logits, 1) == labels).mean()))
export(parameters, statistics, FOLDER / "digits.onnx")
np.save(FOLDER / "digits-calibration.npy", calibration)
np.save(FOLDER / "digits-evaluation.npy", evaluation)
np.save(FOLDER / "digits-evaluation-labels.npy", labels)
