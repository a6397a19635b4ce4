"""Writes schedules.json: every learning rate schedule, whose steps end within the 20 of a case."""
import keras
from case import case, write

L, O, S = keras.layers, keras.optimizers, keras.optimizers.schedules


def run(name, schedule, optimizer=O.SGD):
    return case(name, (4,), [L.Dense(5, "tanh"), L.Dense(1)], optimizer=optimizer(schedule))


write([
    run("ExponentialDecay", S.ExponentialDecay(0.2, 7, 0.4)),
    run("ExponentialDecay in stairs", S.ExponentialDecay(0.2, 7, 0.4, staircase=True), lambda s: O.Adam(s, weight_decay=0.1)),
    run("InverseTimeDecay", S.InverseTimeDecay(0.2, 5, 0.8)),
    run("InverseTimeDecay in stairs", S.InverseTimeDecay(0.2, 5, 0.8, staircase=True), O.RMSprop),
    run("CosineDecay", S.CosineDecay(0.2, 15)),
    run("CosineDecay to a share", S.CosineDecay(0.2, 9, alpha=0.1)),
    run("CosineDecay behind a warmup", S.CosineDecay(0.01, 10, alpha=0.05, warmup_target=0.3, warmup_steps=6), O.Nadam),
    run("CosineDecay from nothing", S.CosineDecay(0.0, 30, warmup_target=0.2, warmup_steps=4)),
    run("PiecewiseConstantDecay", S.PiecewiseConstantDecay([3, 11], [0.2, 0.05, 0.01])),
    run("PiecewiseConstantDecay with one boundary", S.PiecewiseConstantDecay([8], [0.01, 0.1]), O.Adamax),
    run("PolynomialDecay", S.PolynomialDecay(0.2, 12, end_learning_rate=0.01)),
    run("PolynomialDecay, power", S.PolynomialDecay(0.2, 30, power=0.5)),
    run("PolynomialDecay, cycle", S.PolynomialDecay(0.2, 6, end_learning_rate=0.02, power=2.0, cycle=True)),
])
