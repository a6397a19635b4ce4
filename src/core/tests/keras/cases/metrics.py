"""Writes metrics.json: every metric with its settings, epoch by epoch. Where Keras does not number two of a name, they have names."""
import keras
from case import case, write

L, M, S = keras.layers, keras.metrics, keras.losses


def hidden(*last):
    return [L.Dense(6, "tanh"), *last]


write([
    case("numbers", (4,), hidden(L.Dense(1)), metrics=[
        "mae", "mse", M.RootMeanSquaredError(), M.MeanAbsolutePercentageError(), M.MeanSquaredLogarithmicError(), M.LogCoshError(), M.R2Score(),
        M.CosineSimilarity(),
    ]),
    case("several numbers", (4,), hidden(L.Dense(3, "softplus")), target="positive", metrics=[
        M.MeanAbsoluteError(), M.MeanSquaredError(), M.RootMeanSquaredError(), "mape", "msle", M.LogCoshError(), M.R2Score(),
        M.R2Score(class_aggregation="variance_weighted_average", name="weighted"), M.CosineSimilarity(), M.Poisson(),
    ]),
    case("shares", (4,), hidden(L.Dense(3, "softmax")), "kl_divergence", target="share", metrics=[M.KLDivergence(), M.CosineSimilarity()]),
    case("two classes", (4,), hidden(L.Dense(1, "sigmoid")), "binary_crossentropy", target=2, metrics=[
        "accuracy", M.BinaryAccuracy(threshold=0.4), M.AUC(), M.AUC(curve="PR"), M.AUC(num_thresholds=20, summation_method="minoring"),
        M.AUC(thresholds=[0.3, 0.45, 0.6], summation_method="majoring", curve="PR"), M.Precision(), M.Recall(), M.Precision(thresholds=0.3), M.Recall(thresholds=[0.6]),
        M.F1Score(threshold=0.5, average="micro"), M.FBetaScore(threshold=0.4, average="macro", beta=2.0), M.TruePositives(), M.FalsePositives(thresholds=0.4),
        M.TrueNegatives(), M.FalseNegatives(), M.BinaryCrossentropy(), M.BinaryCrossentropy(label_smoothing=0.1, name="smoothed"), M.Hinge(), M.SquaredHinge(),
    ]),
    case("several classes", (4,), hidden(L.Dense(4, "softmax")), "categorical_crossentropy", target=4, one_hot=True, metrics=[
        "accuracy", M.CategoricalAccuracy(), M.TopKCategoricalAccuracy(k=2), M.Precision(thresholds=0.2), M.Recall(thresholds=0.2), M.Precision(top_k=2), M.Recall(class_id=1, thresholds=0.25),
        M.F1Score(average="macro"), M.F1Score(average="weighted", name="by_rows"), M.F1Score(average="micro", threshold=0.2, name="micro"), M.TruePositives(thresholds=0.2),
        M.FalseNegatives(thresholds=0.2), M.CategoricalCrossentropy(), M.CategoricalCrossentropy(label_smoothing=0.1, name="smoothed"), M.CategoricalHinge(),
    ]),
    case("class numbers", (4,), hidden(L.Dense(4)), S.SparseCategoricalCrossentropy(from_logits=True), target=4, metrics=[
        M.SparseCategoricalAccuracy(), M.SparseTopKCategoricalAccuracy(k=3), M.SparseCategoricalCrossentropy(from_logits=True),
    ]),
    case("two classes, hinge", (4,), hidden(L.Dense(1, "tanh")), "hinge", target=2, metrics=[
        M.BinaryAccuracy(threshold=0.1), M.Hinge(), M.SquaredHinge(),
    ]),
])
