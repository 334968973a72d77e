"""The participant flow: it adds up, or there is no report."""

import pandas as pd
import pytest

from analysis.reporting.consort import participant_flow
from data_contracts.errors import ContractError
from data_contracts.load import find_trial, load_trial

TRIAL = load_trial(find_trial("beat_the_blues"))
COUNTS = [
    ("randomised", "TAU", "", 48, ""),
    ("excluded", "TAU", "", 1, "found ineligible"),
    ("observed", "TAU", "m8", 40, ""),
    ("lost", "TAU", "m8", 7, "primary outcome not observed"),
    ("not analysed", "TAU", "", 2, "no follow-up observed"),
    ("analysed", "TAU", "", 45, ""),
    ("randomised", "BtheB", "", 52, ""),
    ("received therapy", "BtheB", "", 45, "at least one session"),
    ("no therapy", "BtheB", "", 7, "no session"),
    ("analysed", "BtheB", "", 52, ""),
]


def _flow(*changes: tuple[str, str, str, int, str]) -> pd.DataFrame:
    counts = {row[:3]: row for row in [*COUNTS, *changes]}
    return pd.DataFrame(list(counts.values()), columns=["stage", "arm", "visit", "n", "reason"])


def test_counts_that_add_up_are_told_with_their_sums() -> None:
    """CONSORT's reader checks the sums; the report shows that they were checked."""
    flow = participant_flow(_flow(), TRIAL)
    assert (flow.randomised, flow.analysed) == (100, 97)
    assert (
        "Usual care, analysis: 48 randomised = 45 analysed + 2 not analysed + 1 excluded" in flow.identities
    )
    assert len(flow.identities) == 4


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("analysed", "TAU", "", 46, ""), "Usual care, analysis"),
        (("lost", "TAU", "m8", 6, ""), "Usual care, 8 months"),
        (("no therapy", "BtheB", "", 8, ""), "Beat the Blues plus usual care, therapy"),
        (("randomised", "BtheB", "", 51, ""), "Beat the Blues plus usual care, analysis"),
    ],
)
def test_a_sum_that_fails_stops_the_report_and_is_named(
    change: tuple[str, str, str, int, str], where: str
) -> None:
    """A person who vanished between two boxes is an error of the data or the software, never a footnote."""
    with pytest.raises(ContractError, match="does not add up") as failure:
        participant_flow(_flow(change), TRIAL)
    assert where in str(failure.value)


def test_all_sums_that_fail_are_named_at_once() -> None:
    """Mending one to meet the next costs a night each."""
    with pytest.raises(ContractError) as failure:
        participant_flow(_flow(("analysed", "TAU", "", 1, ""), ("analysed", "BtheB", "", 1, "")), TRIAL)
    assert len(failure.value.problems) == 2


def test_the_reference_arm_has_no_therapy_box() -> None:
    """Nobody in usual care "had no therapy": none was offered."""
    usual, therapy = participant_flow(_flow(), TRIAL).arms
    assert usual.received is None
    assert therapy.received == 45


def test_a_reason_that_repeats_the_box_is_not_said_twice() -> None:
    """"1 excluded (excluded after randomisation)" tells nobody anything."""  # fmt: skip
    usual, _ = participant_flow(_flow(("excluded", "TAU", "", 1, "excluded after randomisation")), TRIAL).arms
    assert usual.excluded is not None
    assert usual.excluded.only_says("excluded")
