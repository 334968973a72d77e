"""Who is randomised, where, when and to what, by permuted blocks. Not here: what they were asked."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.simulation import constants as c
from data_contracts.spec import Trial


def draw_cohort(trial: Trial, rng: np.random.Generator) -> pd.DataFrame:
    """Return the randomised in the order of their names, with the totals of SUPEREDEN3.

    Returns:
        (155, columns) participant, site, sex, randomised_on, consented, block, arm, therapist, excluded.
    """
    cohort = _draw_people(trial, rng)
    codes = [trial.reference_arm.code, trial.compared_arms[0].code]
    stratum = (cohort["site"] + cohort["sex"]).to_numpy()
    in_therapy, block = _draw_until_totals(rng, stratum)
    cohort["block"] = block
    cohort["arm"] = np.where(in_therapy, codes[1], codes[0])
    cohort["therapist"] = _draw_therapists(rng, cohort["site"], in_therapy, trial)
    cohort["excluded"] = np.arange(len(cohort)) == rng.choice(np.flatnonzero(in_therapy))
    return cohort.sort_values("participant", ignore_index=True)


def draw_blocks(rng: np.random.Generator, stratum: npt.NDArray[np.object_]) -> tuple[c.Flags, c.Integers]:
    """Return who gets therapy and the number of the block, by permuted blocks within each stratum.

    Args:
        rng: The random numbers.
        stratum: (n,) in the order of randomisation.
    """
    in_therapy, block = np.zeros(len(stratum), dtype=np.bool_), np.zeros(len(stratum), dtype=np.int64)
    for name in dict.fromkeys(stratum):
        members = np.flatnonzero(stratum == name)
        arms, blocks = _draw_list(rng, len(members))
        in_therapy[members], block[members] = arms, blocks
    return in_therapy, block


def _draw_list(rng: np.random.Generator, n: int) -> tuple[c.Flags, c.Integers]:
    """Return the first n places of one stratum's randomisation list."""
    sizes = rng.choice(c.BLOCK_SIZES, size=n // min(c.BLOCK_SIZES) + 1)
    arms = np.concatenate([rng.permutation(np.arange(size) < size // 2) for size in sizes])
    return arms[:n], np.repeat(np.arange(1, len(sizes) + 1), sizes)[:n]


def _draw_until_totals(
    rng: np.random.Generator, stratum: npt.NDArray[np.object_]
) -> tuple[c.Flags, c.Integers]:
    """Return a randomisation whose unfinished last blocks leave exactly the published numbers per arm."""
    for _ in range(10_000):
        in_therapy, block = draw_blocks(rng, stratum)
        if in_therapy.sum() == c.N_THERAPY:
            return in_therapy, block
    raise ValueError(f"no randomisation gives {c.N_THERAPY} to therapy")


def _draw_people(trial: Trial, rng: np.random.Generator) -> pd.DataFrame:
    """Return people in the order in which they were randomised."""
    sites = np.repeat([s.code for s in trial.sites], [s.target or 0 for s in trial.sites])
    n = len(sites)
    days = np.sort(rng.integers(0, c.RECRUITMENT_DAYS, n))
    randomised_on = np.datetime64(c.FIRST_DAY, "s") + days.astype("timedelta64[D]")
    people = pd.DataFrame({
        "site": rng.permutation(sites),
        "sex": np.where(rng.random(n) < c.SHARE_MALE, "M", "F"),
        "randomised_on": randomised_on,
        "consented": randomised_on - rng.integers(7, 28, n).astype("timedelta64[D]"),
    })  # fmt: skip
    number = people["site"].map({site.code: i for i, site in enumerate(trial.sites, start=1)})
    place = people.groupby("site").cumcount() + 1
    people.insert(0, "participant", "P" + number.astype(str) + place.astype(str).str.zfill(3))
    return people


def _draw_therapists(
    rng: np.random.Generator, site: pd.Series, in_therapy: c.Flags, trial: Trial
) -> list[str]:
    """Return a therapist of the own site for each person in therapy, a blank for the others."""
    staff = {
        s.code: [f"T{i}{k}" for k in range(1, 1 + rng.choice(c.THERAPISTS_PER_SITE))]
        for i, s in enumerate(trial.sites, start=1)
    }
    return [str(rng.choice(staff[s])) if t else "" for s, t in zip(site, in_therapy, strict=True)]
