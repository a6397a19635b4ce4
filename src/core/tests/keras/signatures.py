"""Writes signatures.json: the arguments of Keras's layers in their order, each with its default, or "required": true. The builders
of sql/builders.sql have the same.

python signatures.py    # Keras 3.15.1, TensorFlow CPU; run in this directory
"""
import inspect
import json

import keras

LAYERS = """InputLayer Dense Activation ReLU LeakyReLU PReLU ELU Softmax Dropout GaussianNoise BatchNormalization LayerNormalization
Embedding Flatten Reshape Conv1D MaxPooling1D AveragePooling1D GlobalMaxPooling1D GlobalAveragePooling1D SimpleRNN LSTM GRU Bidirectional
TimeDistributed""".split()
# What is no setting of a layer, and what stands behind all that is.
LEFT_OUT = {"self", "kwargs", "weights", "use_cudnn", "tensor", "lora_rank", "lora_alpha", "quantization_config"}


def arguments(layer):
    call = keras.Input if layer == "InputLayer" else getattr(keras.layers, layer).__init__
    given = [p for p in inspect.signature(call).parameters.values() if p.name not in LEFT_OUT]
    return [dict(name=p.name, required=True) if p.default is p.empty else dict(name=p.name, default=p.default) for p in given]


with open("signatures.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(dict(name=layer, arguments=arguments(layer))) for layer in LAYERS) + "\n]\n")
