"""The tables on which the defaults were chosen (`chosen`) and those held back until they were (`confirmed`).

`tables()` yields (name, group, frame); the last column is `target`: text for classes, numbers for a regression.
"""

import os

import numpy as np
import pandas as pd
from sklearn import datasets

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data")


def frame(x, y, label=False):
    result = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])
    result["target"] = labels(y) if label else y
    return result


def labels(y):
    return [f"c{v}" for v in y]


def with_target(source, column):
    source = source.dropna(subset=[column])
    return source[[c for c in source if c != column]].assign(target=source[column]).reset_index(drop=True)


def shipped(name):
    data = getattr(datasets, f"load_{name}")()
    return frame(data.data, data.target, label=True)


def diabetes():
    data = datasets.load_diabetes(scaled=False)
    return frame(data.data, data.target)


def linnerud():
    data = datasets.load_linnerud()
    return frame(data.data, data.target[:, 0])


def penguins(column):
    return with_target(pd.read_csv(os.path.join(DATA, "penguins.csv")), column)


def diamonds(column="price", rows=None, seed=0):
    data = with_target(pd.read_csv(os.path.join(DATA, "diamonds.csv")), column)
    return data if rows is None else data.sample(rows, random_state=seed).reset_index(drop=True)


def made(maker, label=False, *args, **settings):
    x, y = getattr(datasets, f"make_{maker}")(*args, **settings)
    return frame(x, y, label)


def lognormal(rows, seed):
    """Skewed columns, NULLs, and a target that follows their logarithms."""
    r = np.random.default_rng(seed)
    a, b, c = np.exp(r.normal(3, 1.5, rows)), np.exp(r.normal(0, 1, rows)), r.normal(size=rows)
    e, g = np.exp(r.normal(8, 2, rows)), r.integers(0, 6, rows)
    y = 2 * np.log(a) + b**0.5 * 3 + c**2 + np.where(g < 3, np.log(e) * 0.7, 0) + r.normal(0, 0.3, rows)
    result = pd.DataFrame({"income": a.round(2), "ratio": b, "c": c, "deposit": e.round(), "kind": [f"k{v}" for v in g], "target": y})
    result.loc[r.random(rows) < 0.08, "income"] = np.nan
    return result


def houses(rows, seed):
    """Prices: a product, so that their logarithm would be easier."""
    r = np.random.default_rng(seed)
    area = np.exp(r.normal(4.3, 0.5, rows))
    rooms = np.clip((area / 25).round() + r.integers(-1, 2, rows), 1, 12)
    year = r.integers(1900, 2024, rows)
    factors = {"Berlin": 1.6, "Jena": 1, "Köln": 1.3, "Ulm": 1.1, "Gera": 0.7}
    city = r.choice(list(factors), rows, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    plot = np.exp(r.normal(5.5, 1.2, rows))
    y = np.exp(7 + 0.9 * np.log(area) + 0.03 * rooms + np.abs(year - 1960) / 200 + np.log([factors[c] for c in city])
               + 0.05 * np.log(plot) + r.normal(0, 0.15, rows))
    return pd.DataFrame({"area": area.round(1), "rooms": rooms, "year": year, "city": city, "plot": plot.round(), "target": y.round(-2)})


def heavy(rows, seed):
    """Student's t with 1.5 degrees of freedom: values thousands of deviations away."""
    r = np.random.default_rng(seed)
    x = r.standard_t(1.5, size=(rows, 6))
    s = np.tanh(x)
    return frame(x, 3 * s[:, 0] + 2 * s[:, 1] * s[:, 2] + s[:, 3] + r.normal(0, 0.3, rows))


def churn(rows, seed):
    """Counts, mostly small, and bytes, mostly none."""
    r = np.random.default_rng(seed)
    calls = r.poisson(np.exp(r.normal(0.5, 1.2, rows)))
    transferred = np.where(r.random(rows) < 0.4, 0, np.exp(r.normal(10, 3, rows))).round()
    age, plan, vip = r.integers(18, 90, rows), r.choice(list("abcd"), rows), r.integers(0, 2, rows).astype(bool)
    z = 0.5 * np.log1p(calls) - 0.15 * np.log1p(transferred) + (plan == "a") - 0.02 * (age - 50) + np.where(vip, 0.8, -0.3) * (plan == "b")
    left = r.random(rows) < 1 / (1 + np.exp(-z))
    return pd.DataFrame({"calls": calls, "bytes": transferred, "age": age, "plan": plan, "vip": ["t" if v else "f" for v in vip],
                         "target": labels(left.astype(int))})


def categories(rows, seed, many):
    """Two texts that interact."""
    r = np.random.default_rng(seed)
    u, a, b = r.normal(size=many), r.integers(0, many, rows), r.integers(0, 12, rows)
    v, x = r.normal(size=(many, 12)) * 0.5, r.normal(size=rows)
    y = u[a] * 2 + v[a, b] + x * u[a] + r.normal(0, 0.5, rows)
    return pd.DataFrame({"a": [f"a{i}" for i in a], "b": [f"b{i}" for i in b], "x": x, "target": y})


def wave(rows, seed):
    r = np.random.default_rng(seed)
    x = r.uniform(-2, 2, size=(rows, 5))
    return frame(x, np.sin(3 * x[:, 0]) * x[:, 1] + np.abs(x[:, 2]) + x[:, 3] * x[:, 4] + r.normal(0, 0.1, rows))


C, H = "chosen", "confirmed"
TABLES = {
    "linnerud": (H, linnerud),
    "friedman1_50": (C, lambda: made("friedman1", n_samples=50, n_features=5, noise=0.5, random_state=3)),
    "class_60": (H, lambda: made("classification", True, 60, 6, n_informative=4, random_state=8)),
    "iris": (C, lambda: shipped("iris")),
    "wine": (H, lambda: shipped("wine")),
    "linear_200x50": (H, lambda: made("regression", n_samples=200, n_features=50, n_informative=10, noise=10, random_state=0)),
    "class_200x40": (H, lambda: made("classification", True, 200, 40, n_informative=5, flip_y=0.05, random_state=2)),
    "blobs_300": (H, lambda: made("blobs", True, 300, 4, centers=5, cluster_std=2, random_state=3)),
    "penguins_sex": (H, lambda: penguins("sex")),
    "penguins_mass": (H, lambda: penguins("body_mass_g")),
    "penguins": (C, lambda: penguins("species")),
    "diabetes": (C, diabetes),
    "friedman2": (H, lambda: made("friedman2", n_samples=500, noise=50, random_state=0)),
    "linear_500x10": (C, lambda: made("regression", n_samples=500, n_features=10, n_informative=5, noise=20, random_state=1)),
    "moons": (C, lambda: made("moons", True, n_samples=500, noise=0.2, random_state=0)),
    "breast_cancer": (C, lambda: shipped("breast_cancer")),
    "circles": (H, lambda: made("circles", True, n_samples=800, noise=0.1, factor=0.5, random_state=0)),
    "houses_800": (C, lambda: houses(800, 2)),
    "friedman1": (C, lambda: made("friedman1", n_samples=1000, noise=1.0, random_state=0)),
    "churn_1500": (C, lambda: churn(1500, 0)),
    "digits": (H, lambda: shipped("digits")),
    "diamonds_2k": (C, lambda: diamonds(rows=2000, seed=1)),
    "class_2000x20": (C, lambda: made("classification", True, 2000, 20, n_informative=8, n_classes=3, flip_y=0.05, random_state=0)),
    "heavy_2000": (C, lambda: heavy(2000, 0)),
    "friedman3": (H, lambda: made("friedman3", n_samples=3000, noise=0.1, random_state=0)),
    "lognormal_3000": (C, lambda: lognormal(3000, 0)),
    "houses_4000": (H, lambda: houses(4000, 1)),
    "rare_5000": (C, lambda: made("classification", True, 5000, 12, n_informative=6, weights=[0.97], flip_y=0.005, random_state=3)),
    "wave_5000": (C, lambda: wave(5000, 1)),
    "diamonds_10k": (H, lambda: diamonds(rows=10000, seed=2)),
    "diamonds_cut": (H, lambda: diamonds("cut", 10000, 3)),
    "categories_10000": (C, lambda: categories(10000, 0, 25)),
    "class_20000x15": (C, lambda: made("classification", True, 20000, 15, n_informative=10, n_clusters_per_class=4, flip_y=0.02, random_state=5)),
    "rare_20000": (H, lambda: made("classification", True, 20000, 12, n_informative=8, weights=[0.99], flip_y=0.002, random_state=4)),
    "heavy_20000": (H, lambda: heavy(20000, 1)),
    "lognormal_30000": (H, lambda: lognormal(30000, 9)),
    "churn_40000": (H, lambda: churn(40000, 1)),
    "class_50000x28": (H, lambda: made("classification", True, 50000, 28, n_informative=12, flip_y=0.1, class_sep=0.8, random_state=1)),
    "categories_50000": (H, lambda: categories(50000, 1, 30)),
    "diamonds": (C, diamonds),
    "wave_100000": (H, lambda: wave(100000, 0)),
}


def tables(names=()):
    for name in names or TABLES:
        group, make = TABLES[name]
        yield name, group, make()
