"""Coefficients of the polynomials in math.rs: minimax fits, rounded to f32.

Each polynomial is fitted in f64 on Chebyshev points by Lawson's iteratively reweighted least squares
(C. L. Lawson, 1961), so that the largest weighted error is as small as the degree allows.
Run: python3 minimax.py        (needs NumPy)
"""
import math

import numpy as np


def chebyshev(a, b, n=4000):
    return (a + b) / 2 + (b - a) / 2 * np.cos(np.pi * (np.arange(n) + 0.5) / n)


def lawson(x, basis, target, weight, rounds=400):
    """The coefficients c that minimise max |weight * (basis @ c - target)|."""
    lawson_weight = np.full(len(x), 1 / len(x))
    best, best_error = None, np.inf
    scaled, wanted = basis * weight[:, None], target * weight
    for _ in range(rounds):
        root = np.sqrt(lawson_weight)
        c = np.linalg.lstsq(scaled * root[:, None], wanted * root, rcond=None)[0]
        error = np.abs(scaled @ c - wanted)
        if error.max() < best_error:
            best, best_error = c, error.max()
        lawson_weight *= error
        lawson_weight /= lawson_weight.sum()
    return best, best_error


def powers(x, degree):
    return np.vander(x, degree + 1, increasing=True)


def show(name, c, error):
    print(f"{name}: largest weighted error {error / 2**-23:.3f} units of 2^-23, highest power first")
    print("   ", ", ".join(f"{float(np.float32(v)):.9e}" for v in c[::-1]))


# e^r - 1 = r + r^2 p(r), |r| <= ln 2 / 2
r = chebyshev(-math.log(2) / 2, math.log(2) / 2)
target = np.array([sum(v**k / math.factorial(k + 2) for k in range(20)) for v in r])
c, e = lawson(r, powers(r, 5), target, r**2 / np.exp(r))
show("exp", c, e)

# ln(1 + f) = f - f^2 / 2 + f^3 p(f), sqrt(1/2) - 1 <= f <= sqrt(2) - 1
f = chebyshev(math.sqrt(0.5) - 1, math.sqrt(2) - 1)
target = np.array([sum((-v) ** k / (k + 3) for k in range(200)) for v in f])
c, e = lawson(f, powers(f, 8), target, np.abs(f**3 / np.log1p(f)))
show("ln", c, e)

# erf x = x + x p(x^2), 0 <= x <= 475/512
x = chebyshev(0, 475 / 512)
erf = np.array([math.erf(v) for v in x])
c, e = lawson(x, powers(x**2, 5), erf / x - 1, x / erf)
show("erf, small", c, e)

# ln(1 - erf t) = -t + t p(t), 475/512 <= t <= 4
t = chebyshev(475 / 512, 4)
erfc = np.array([math.erfc(v) for v in t])
c, e = lawson(t, powers(t, 6), np.log(erfc) / t + 1, erfc * t / (1 - erfc))
show("erf, large", c, e)
