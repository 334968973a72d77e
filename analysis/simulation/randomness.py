"""A stream of random numbers per subject, all from the trial's one seed. Not here: drawing."""

import numpy as np


def stream(seed: int, subject: str) -> np.random.Generator:
    """Return the generator of a subject, such as a form: the same whatever other subjects there are."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(subject.encode())))
