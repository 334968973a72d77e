"""How the trial went, as records of the results table: flow, populations, recruitment, harms, what is missing."""

import pandas as pd

from analysis.derive.course import Course
from analysis.estimators.baseline import described_records
from analysis.estimators.disposition import (
    BY_SITE,
    DISPOSITION,
    describe_disposition,
    describe_disposition_by_site,
)
from analysis.estimators.harms import HARMS, describe_harms
from analysis.estimators.missing_data import MISSING, PATTERNS, describe_missing, describe_patterns
from analysis.estimators.populations import POPULATIONS, describe_populations
from analysis.estimators.recruitment import BY_SITE as RECRUITMENT_BY_SITE
from analysis.estimators.recruitment import (
    RECRUITMENT,
    describe_recruitment,
    describe_recruitment_by_site,
)
from analysis.estimators.unheld_events import UNHELD, describe_unheld
from analysis.results import Records
from data_contracts.spec import Trial


def course_records(course: Course, trial: Trial) -> Records:
    """Return the rows on everybody randomised.

    Args:
        course: How the trial went.
        trial: The trial.
    """
    described = {
        DISPOSITION: describe_disposition(course, trial),
        BY_SITE: describe_disposition_by_site(course, trial),
        POPULATIONS: describe_populations(course, trial),
        RECRUITMENT: describe_recruitment(course),
        RECRUITMENT_BY_SITE: describe_recruitment_by_site(course, trial),
        HARMS: describe_harms(course, trial),
        UNHELD: describe_unheld(course, trial),
    }
    return [
        record
        for name, rows in described.items()
        for record in described_records(rows, analysis=name, estimand=trial.primary.name, role="descriptive")
    ]


def missing_records(analysis_set: pd.DataFrame, trial: Trial) -> Records:
    """Return the rows on what is missing in the primary estimand's population.

    Args:
        analysis_set: One row per participant and visit.
        trial: The trial.
    """
    shared = {"estimand": trial.primary.name, "role": "descriptive", "population": trial.primary.population}
    missing = described_records(describe_missing(analysis_set, trial), analysis=MISSING, **shared)
    return missing + described_records(describe_patterns(analysis_set, trial), analysis=PATTERNS, **shared)
