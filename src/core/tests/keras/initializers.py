"""Writes initializers.json: how Keras's initializers spread the first weights of a dense layer and of a convolution.

Keras 3.15.1, TensorFlow CPU. Random numbers are told by mean, standard deviation and ends; what is not random, number by number.
"""
import json
import os

import keras
import numpy as np

I = keras.initializers
DENSE, CONVOLUTION = (300, 200), (5, 40, 300)

# An initializer without a seed draws one when it is made.
keras.utils.set_random_seed(1)
entries = []
for initializer, shape in [
    (I.GlorotUniform(), DENSE),
    (I.GlorotUniform(), CONVOLUTION),
    (I.GlorotNormal(), DENSE),
    (I.HeNormal(), DENSE),
    (I.HeNormal(), CONVOLUTION),
    (I.HeUniform(), DENSE),
    (I.LecunNormal(), DENSE),
    (I.LecunUniform(), CONVOLUTION),
    (I.RandomNormal(), DENSE),
    (I.RandomNormal(1.5, 0.5), DENSE),
    (I.TruncatedNormal(), DENSE),
    (I.TruncatedNormal(-2.0, 3.0), DENSE),
    (I.RandomUniform(), DENSE),
    (I.RandomUniform(1.0, 4.0), DENSE),
    (I.VarianceScaling(), DENSE),
    (I.VarianceScaling(3.0, "fan_out", "uniform"), CONVOLUTION),
    (I.VarianceScaling(0.5, "fan_avg", "untruncated_normal"), CONVOLUTION),
    (I.Orthogonal(2.0), DENSE),
    (I.Orthogonal(), CONVOLUTION),
    (I.Zeros(), (2, 3)),
    (I.Ones(), (2, 3)),
    (I.Constant(-0.25), (2, 3)),
    (I.Identity(), (2, 3)),
    (I.Identity(), (3, 2)),
]:
    w = np.asarray(initializer(shape), np.float64)
    entry = dict(initializer=I.serialize(initializer), shape=shape)
    if w.size < 100:
        entry["exact"] = w.ravel().tolist()
    else:
        entry["spread"] = dict(mean=w.mean(), deviation=w.std(), least=w.min(), most=w.max())
    entries.append(entry)

with open(os.path.splitext(os.path.abspath(__file__))[0] + ".json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
