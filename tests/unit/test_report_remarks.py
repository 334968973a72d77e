"""What stands below a table of answers: flags, compliance, the other standard error, clusters, the tipping delta."""

import pytest

from analysis.reporting.tables.remarks import remarks
from analysis.reporting.tables.sensitivity import sensitivity_table
from analysis.results import Statistic, result_records, results_table
from data_contracts.load import find_trial, load_trial

VERSUS = {"visit": "m9", "contrast": "SRT - UC"}
LIMITS = {"se": 3.0, "lower": 2.0, "upper": 14.0, "confidence": 0.95, "p_value": 0.01}
WEAK = "weak instrument: first-stage F 6.2, below 10"


@pytest.fixture(scope="module")
def trial():
    return load_trial(find_trial("demo"))


def _results(trial, **rows):
    records = [
        record
        for name, found in rows.items()
        for record in result_records(
            found, analysis=name, estimand="e", role="sensitivity", clause="", outcome="o", population="p"
        )
    ]
    return results_table(records)


def _of(trial, name, *rows):
    return remarks(_results(trial, **{name: list(rows)}), trial, [trial.analyses[name]])


def test_a_weak_instrument_is_said_with_compliance_and_the_effect_as_allocated(trial):
    """The row of the table is of status ok: nothing else in the report would say that it is not to be trusted."""
    (said,) = _of(
        trial, "cace",
        Statistic("count", 60.0, visit="m9", arm="SRT", n=71, at="at least 8 sessions"),
        Statistic("adjusted mean difference", 8.0, **VERSUS, **LIMITS),
        Statistic("first-stage f", 6.2, **VERSUS),
        Statistic("complier average causal effect", 9.0, reason=WEAK, **VERSUS, **LIMITS),
    )  # fmt: skip
    for part in (
        WEAK,
        "60 of 71 with at least 8 sessions",
        "first-stage F 6.2",
        "as allocated 8 (2 to 14)",
    ):
        assert part in said.replace(".0", "")


def test_the_penalty_of_an_empty_cell_is_said(trial):
    flag = "nobody in arm UC responded: Firth's penalty is used"
    (said,) = _of(trial, "above_30_hours", Statistic("risk difference", 0.2, reason=flag, **VERSUS, **LIMITS))
    assert said == f"{trial.analyses['above_30_hours'].label}: {flag}."


def test_rubin_s_error_stands_beside_the_jackknife_s(trial):
    (said,) = _of(
        trial, "imputed_j2r",
        Statistic("adjusted mean difference", 7.0, **VERSUS, **LIMITS),
        Statistic("other standard error", 3.27, at="rubin", **VERSUS),
    )  # fmt: skip
    assert said.endswith("SE by Rubin's rules 3.27.")


def test_an_answer_with_nothing_to_say_has_no_remark(trial):
    assert (
        _of(trial, "primary", Statistic("adjusted mean difference", 7.0, method="m", **VERSUS, **LIMITS))
        == ()
    )


def test_the_tipping_point_has_a_row_in_words(trial):
    """It is no difference of means, and "no such row" would say that it failed."""
    point = Statistic("tipping delta", -18.0, p_value=0.05, at="delta in arm SRT", **VERSUS)
    table = sensitivity_table(_results(trial, tipping_point=[point]), trial)
    rows = [row for group in table.groups for row in group.rows]
    (cell,) = (row.cells[-1] for row in rows if "Tipping" in row.cells[0].text)
    assert "18.0 hours/week lower than imputed" in cell.text
