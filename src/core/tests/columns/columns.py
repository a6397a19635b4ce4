"""Writes columns.json: penguins, and 300 diamonds with NULLs planted, as scikit-learn's ColumnTransformer encodes them, for five pairs of imputation and
scaling. Categories by OneHotEncoder, for which NULL is a category of its own; MissingIndicator beside the scaled numbers.

python columns.py    # scikit-learn 1.9.1, pandas, NumPy; run in this directory
"""
import json

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

DATA = "../../../../data/"
WAYS = {
    ("median", "standard"): [SimpleImputer(strategy="median"), StandardScaler()],
    ("mean", "min_max"): [SimpleImputer(strategy="mean"), MinMaxScaler()],
    ("mode", "max_abs"): [SimpleImputer(strategy="most_frequent"), MaxAbsScaler()],
    ("constant", "robust"): [SimpleImputer(strategy="constant", fill_value=-1.5), RobustScaler()],
    ("median", "log1p"): [SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), StandardScaler()],
}


def short(column):
    """As f32 would print it: enough for 1e-5, and a small file."""
    return [float(f"{v:.8g}") for v in column]


def encode(name, frame):
    numbers = [c for c in frame if frame[c].dtype != object]
    texts = [c for c in frame if c not in numbers]
    nulls = [c for c in numbers if frame[c].isna().any()]
    result = dict(name=name, numbers={c: [None if pd.isna(v) else float(v) for v in frame[c]] for c in numbers},
                  texts={c: [v if isinstance(v, str) else None for v in frame[c]] for c in texts}, ways=[])
    one_hot, indicator = OneHotEncoder(sparse_output=False), MissingIndicator(features="missing-only")
    for (impute, scale), steps in WAYS.items():
        parts = [("n", make_pipeline(*steps), numbers), ("c", one_hot, texts), ("m", indicator, numbers)]
        matrix = ColumnTransformer(parts, sparse_threshold=0).fit(frame)
        x = matrix.transform(frame)
        names = list(numbers)
        for text, categories in zip(texts, matrix.named_transformers_["c"].categories_):
            names += [f"{text} = {c}" if isinstance(c, str) else f"{text} is missing" for c in categories]
        names += [f"{c} is missing" for c in nulls]
        assert len(names) == x.shape[1]
        # Categories and indicators do not depend on the way.
        kept = len(names) if not result["ways"] else len(numbers)
        result["ways"].append(dict(impute=impute, scale=scale, columns={n: short(x[:, i]) for i, n in enumerate(names[:kept])}))
    return result


def objects(frame):
    """Texts as objects with None for NULL, whatever pandas made of them."""
    texts = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.astype({c: object for c in texts}).where(frame.notna() | ~frame.columns.isin(texts), None)


penguins = objects(pd.read_csv(DATA + "penguins.csv").drop(columns="species"))
diamonds = objects(pd.read_csv(DATA + "diamonds.csv").drop(columns="price").sample(300, random_state=0).reset_index(drop=True))
rng = np.random.default_rng(0)
for column, share in [("carat", 0.1), ("depth", 0.3), ("cut", 0.2), ("clarity", 0.05), ("z", 0.01)]:
    diamonds.loc[rng.random(len(diamonds)) < share, column] = None
json.dump([encode("penguins", penguins), encode("diamonds", diamonds)], open("columns.json", "w"), separators=(",", ":"))
