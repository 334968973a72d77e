"""A slow, obvious oracle: V is built in full, every derivative is numerical. Nothing of the engine is used."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dense:
    """y = X b + e, cov(e) = V(theta)."""

    X: np.ndarray
    y: np.ndarray
    V: Callable[[np.ndarray], np.ndarray]

    def log_likelihood(self, theta: np.ndarray, *, reml: bool) -> float:
        V = self.V(theta)
        inverse = np.linalg.inv(V)
        information = self.X.T @ inverse @ self.X
        residual = self.y - self.X @ np.linalg.solve(information, self.X.T @ inverse @ self.y)
        n, p = self.X.shape
        total = np.linalg.slogdet(V)[1] + residual @ inverse @ residual
        if reml:
            return -0.5 * (total + np.linalg.slogdet(information)[1] + (n - p) * np.log(2 * np.pi))
        return -0.5 * (total + n * np.log(2 * np.pi))

    def beta(self, theta: np.ndarray) -> np.ndarray:
        inverse = np.linalg.inv(self.V(theta))
        return np.linalg.solve(self.X.T @ inverse @ self.X, self.X.T @ inverse @ self.y)

    def phi(self, theta: np.ndarray) -> np.ndarray:
        return np.linalg.inv(self.X.T @ np.linalg.inv(self.V(theta)) @ self.X)

    def kenward_roger(self, theta: np.ndarray, *, information: str = "observed") -> "Adjusted":
        """Kenward and Roger (1997), their notation, with numerical derivatives of V."""
        X, V, steps = self.X, self.V(theta), 1e-4 * np.maximum(np.abs(theta), 0.1)
        inverse, phi, q = np.linalg.inv(V), self.phi(theta), len(theta)
        first = [_first(self.V, theta, steps, i) for i in range(q)]
        P = [-X.T @ inverse @ d @ inverse @ X for d in first]
        if information == "observed":
            W = np.linalg.inv(-hessian(lambda t: self.log_likelihood(t, reml=True), theta, steps))
        else:
            projection = inverse - inverse @ X @ phi @ X.T @ inverse
            W = np.linalg.inv(
                0.5 * np.array([[np.trace(projection @ a @ projection @ b) for b in first] for a in first])
            )
        total = np.zeros_like(phi)
        for i in range(q):
            for j in range(q):
                Q = X.T @ inverse @ first[i] @ inverse @ first[j] @ inverse @ X
                R = X.T @ inverse @ _second(self.V, theta, steps, i, j) @ inverse @ X
                total += W[i, j] * (Q - P[i] @ phi @ P[j] - 0.25 * R)
        return Adjusted(phi, phi + 2 * phi @ total @ phi, P, W)


@dataclass(frozen=True)
class Adjusted:
    """What Kenward and Roger's tests are made of."""

    phi: np.ndarray
    phi_a: np.ndarray
    P: list[np.ndarray]
    W: np.ndarray

    def scale_and_df(self, L: np.ndarray) -> tuple[float, float]:
        """lambda and m for the contrasts L (k, p), as in the paper, Theta = L'(L Phi L')^-1 L."""
        rank, q = len(L), len(self.P)
        theta = L.T @ np.linalg.inv(L @ self.phi @ L.T) @ L
        t = [theta @ self.phi @ P @ self.phi for P in self.P]
        a1 = sum(self.W[i, j] * np.trace(t[i]) * np.trace(t[j]) for i in range(q) for j in range(q))
        a2 = sum(self.W[i, j] * np.trace(t[i] @ t[j]) for i in range(q) for j in range(q))
        b = (a1 + 6 * a2) / (2 * rank)
        g = ((rank + 1) * a1 - (rank + 4) * a2) / ((rank + 2) * a2)
        c1 = g / (3 * rank + 2 * (1 - g))
        c2 = (rank - g) / (3 * rank + 2 * (1 - g))
        c3 = (rank + 2 - g) / (3 * rank + 2 * (1 - g))
        e = 1 / (1 - a2 / rank)
        v = (2 / rank) * (1 + c1 * b) / ((1 - c2 * b) ** 2 * (1 - c3 * b))
        rho = v / (2 * e**2)
        m = 4 + (rank + 2) / (rank * rho - 1)
        return m / (e * (m - 2)), m


def gradient(function, theta, steps) -> np.ndarray:
    moves = np.diag(steps)
    return np.array([(function(theta + m) - function(theta - m)) / (2 * m.sum()) for m in moves])


def hessian(function, theta, steps) -> np.ndarray:
    """Fourth-order: two second-order estimates extrapolated."""
    coarse, fine = _hessian(function, theta, 20 * steps), _hessian(function, theta, 10 * steps)
    return (4 * fine - coarse) / 3


def _hessian(function, theta, steps) -> np.ndarray:
    moves = np.diag(steps)
    return np.array(
        [
            [
                (
                    function(theta + a + b)
                    - function(theta + a - b)
                    - function(theta - a + b)
                    + function(theta - a - b)
                )
                / (4 * a.sum() * b.sum())
                for b in moves
            ]
            for a in moves
        ]
    )


def _first(V, theta, steps, i) -> np.ndarray:
    move = np.zeros_like(theta)
    move[i] = steps[i]
    return (V(theta + move) - V(theta - move)) / (2 * steps[i])


def _second(V, theta, steps, i, j) -> np.ndarray:
    a, b = np.zeros_like(theta), np.zeros_like(theta)
    a[i], b[j] = 10 * steps[i], 10 * steps[j]
    return (V(theta + a + b) - V(theta + a - b) - V(theta - a + b) + V(theta - a - b)) / (4 * a[i] * b[j])
