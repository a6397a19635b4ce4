"""Writes optimizers.json: every optimizer with several settings, weight decay and the three ways of clipping."""
import keras
from case import case, write

L, O, R = keras.layers, keras.optimizers, keras.regularizers


def net():
    return [L.Dense(6, "tanh"), L.Dense(1)]


def penalised():
    return [L.Dense(6, "tanh", kernel_regularizer=R.L2(0.05), bias_regularizer=R.L1(0.03)), L.Dense(1)]


def fixed():
    """What is not trained has neither norm nor penalty nor decay, and moving statistics are no gradients."""
    return [
        L.Dense(6, "tanh", kernel_regularizer=R.L2(0.5), bias_regularizer=R.L1(0.5), trainable=False),
        L.BatchNormalization(momentum=0.6, gamma_regularizer=R.L2(0.1)), L.Dense(5, "tanh", kernel_regularizer=R.L1L2(0.02, 0.03)),
        L.BatchNormalization(momentum=0.5, beta_regularizer=R.L1(0.5), trainable=False), L.Dense(1),
    ]


def run(name, optimizer, layers=net):
    return case(name, (4,), layers(), optimizer=optimizer)


write([
    run("SGD", O.SGD(0.05, weight_decay=0.1)),
    run("SGD with momentum", O.SGD(0.05, momentum=0.8, weight_decay=0.1)),
    run("SGD with Nesterov's momentum", O.SGD(0.05, momentum=0.8, nesterov=True)),
    run("Adam", O.Adam(0.01, weight_decay=0.1)),
    run("Adam, amsgrad", O.Adam(0.02, beta_1=0.7, beta_2=0.8, epsilon=1e-3, amsgrad=True)),
    run("AdamW", O.AdamW(0.01)),
    run("AdamW, amsgrad", O.AdamW(0.01, weight_decay=0.2, beta_2=0.9, amsgrad=True)),
    run("Nadam", O.Nadam(0.01)),
    run("Nadam, other betas", O.Nadam(0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-4, weight_decay=0.1)),
    run("RMSprop", O.RMSprop(0.01, rho=0.8, weight_decay=0.1)),
    run("RMSprop with momentum", O.RMSprop(0.01, rho=0.8, momentum=0.5)),
    run("RMSprop, centered", O.RMSprop(0.01, rho=0.8, epsilon=1e-3, centered=True)),
    run("RMSprop, centered, with momentum", O.RMSprop(0.01, rho=0.8, momentum=0.5, epsilon=1e-3, centered=True, weight_decay=0.1)),
    run("Adagrad", O.Adagrad(0.05)),
    run("Adagrad, other settings", O.Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-3, weight_decay=0.1)),
    run("Adadelta", O.Adadelta(1.0)),
    run("Adadelta, other settings", O.Adadelta(2.0, rho=0.8, epsilon=1e-4, weight_decay=0.1)),
    run("Adamax", O.Adamax(0.02)),
    run("Adamax, other settings", O.Adamax(0.03, beta_1=0.8, beta_2=0.7, epsilon=1e-3, weight_decay=0.1)),
    run("Lion", O.Lion(0.01)),
    run("Lion, other betas", O.Lion(0.02, beta_1=0.6, beta_2=0.8, weight_decay=0.1)),
    run("clipnorm", O.SGD(0.2, clipnorm=0.3), penalised),
    run("clipnorm that some gradients do not reach", O.Adam(0.02, clipnorm=1.0, weight_decay=0.1), penalised),
    run("global_clipnorm", O.SGD(0.2, momentum=0.5, global_clipnorm=0.5), penalised),
    run("global_clipnorm that no gradient reaches", O.SGD(0.05, global_clipnorm=100.0), penalised),
    run("clipvalue", O.SGD(0.2, clipvalue=0.1), penalised),
    run("clipnorm beside what is fixed", O.AdamW(0.02, weight_decay=0.1, clipnorm=0.2), fixed),
    run("global_clipnorm beside what is fixed", O.SGD(0.2, weight_decay=0.1, global_clipnorm=0.3), fixed),
    run("clipvalue beside what is fixed", O.Adam(0.02, weight_decay=0.1, clipvalue=0.05), fixed),
    run("decay and penalties beside what is fixed", O.RMSprop(0.02, weight_decay=0.1), fixed),
    run("clipvalue and no penalty", O.RMSprop(0.02, clipvalue=0.2)),
])
