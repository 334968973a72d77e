"""What the tests of the report's texts share: an answer to each analysis of the demonstration trial."""

from dataclasses import replace

import pandas as pd
import pytest

from analysis.estimators.multiplicity import with_families
from analysis.reporting.content import ReportContent
from analysis.reporting.estimates import looked_up_once
from analysis.results import Statistic, result_records, results_table
from data_contracts.load import find_trial, load_trial

LIMITS = {"se": 3.0, "lower": 2.0, "upper": 14.0, "confidence": 0.95, "p_value": 0.01}
VERSUS = {"visit": "m9", "contrast": "SRT - UC"}
FOUND = Statistic("adjusted mean difference", 8.0, **VERSUS, **LIMITS, n=147, n_observations=386)
ANSWERS = {
    "cace": "complier average causal effect",
    "moderator": "interaction test",
    "responder": "risk difference",
    "counts": "rate ratio",
    "time_to_event": "hazard ratio",
    "ordinal": "common odds ratio",
    "tipping_point": "tipping delta",
}
VERSIONS = {"numpy": "2.4.0", "statsmodels": "0.15.0"}
PROVENANCE = {"code_version": "cd" * 8, "python": "3.11.2", "packages": VERSIONS}


@pytest.fixture(autouse=True)
def _quick():
    """As within a report, whose texts ask for rows thousands of times."""
    with looked_up_once():
        yield


@pytest.fixture(scope="session")
def trial():
    """The demonstration trial, which declares an analysis by every estimator."""
    return load_trial(find_trial("demo"))


@pytest.fixture(scope="session")
def answered(trial):
    """Return a function: an answer to each analysis, changed as named, and further rows of one analysis."""

    def rows(of=trial, more=(), only=None, **changed):
        records = []
        for name, analysis in of.analyses.items():
            if only is None or name == only:
                statistic = ANSWERS.get(analysis.estimator, FOUND.statistic)
                answer = replace(FOUND, statistic=statistic, **changed.get(name, {}))
                own = [answer, *(more if name == only else ())]
                shared = {
                    "analysis": name,
                    "role": analysis.role,
                    "estimand": analysis.estimand,
                    "allocation": "true",
                }
                records += result_records(own, **shared)
        return results_table(with_families(records, of))

    return rows


@pytest.fixture(scope="session")
def content(trial):
    """Return a function: the content of a report of results, without counts of records."""

    def made(results, **changes):
        names = {"flow", "counts", "findings", "queries"} & set(ReportContent.__dataclass_fields__)
        nothing = dict.fromkeys(names, pd.DataFrame())
        return ReportContent(
            **{"trial": trial, "results": results, "provenance": PROVENANCE, **nothing, **changes}
        )

    return made
