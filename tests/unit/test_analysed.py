"""The last box of the flow is the n of the primary model, whichever model that is."""

import pytest

from analysis.derive import build_analysis_set
from analysis.estimators import estimator_named
from data_contracts.load import find_trial, load_trial
from data_contracts.plan import Imputation
from data_contracts.readers.trial import read_trial
from pipelines.landing_data import write_simulated

TRIAL = load_trial(find_trial("demo"))
DIFFERENCE = "adjusted mean difference"


@pytest.fixture(scope="module")
def accepted(tmp_path_factory):
    landing = tmp_path_factory.mktemp("demo")
    write_simulated(TRIAL, landing)
    forms = read_trial(landing, TRIAL)
    return {n: form.values.drop_duplicates(list(TRIAL.forms[n].key)) for n, form in forms.items()}


def asked_by(estimator, **keys):
    """Return the demonstration trial with another primary model."""
    changed = TRIAL.primary_analysis.model_copy(
        update={"estimator": estimator, "covariance": None, "df": None, "fallback": (), **keys}
    )
    return TRIAL.model_copy(update={"analyses": {**TRIAL.analyses, changed.name: changed}})


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (TRIAL, {"no follow-up observed"}),
        (asked_by("lmm"), {"no follow-up observed"}),
        (asked_by("ancova"), {"primary visit not observed"}),
        (asked_by("ancova", baseline=False), {"primary visit not observed"}),
        (asked_by("reference_based_mi", imputation=Imputation(strategy="j2r")), {"no baseline observed"}),
    ],
    ids=["mmrm", "lmm", "ancova", "ancova, no baseline", "imputed"],
)
def test_the_flow_ends_with_those_whom_the_primary_model_used(trial, why, accepted):
    """Analysis of covariance needs the primary visit; imputation needs no follow-up at all."""
    built = build_analysis_set(accepted, trial)
    primary = trial.primary_analysis
    rows = estimator_named(primary.estimator)(built.frame, trial, primary)
    used = {r.n for r in rows if r.statistic == DIFFERENCE and r.visit == trial.primary.visit}
    flow = built.course.flow.groupby("stage")["n"].sum()
    assert used == {flow["analysed"]}
    assert flow["randomised"] == flow["analysed"] + flow["not analysed"] + flow["excluded"]
    assert set(built.course.flow.query("stage == 'not analysed'")["reason"]) == why
