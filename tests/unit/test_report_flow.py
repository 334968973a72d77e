"""The participant flow: it adds up, or there is no report."""

import re

import pandas as pd
import pytest

from analysis.estimators.baseline import described_frame
from analysis.estimators.disposition import BY_SITE, DISPOSITION
from analysis.reporting.consort import allocations_set_aside, participant_flow
from analysis.reporting.figures.flow_diagram import flow_figure
from analysis.reporting.templates import environment
from analysis.results import Statistic
from data_contracts.errors import ContractError
from data_contracts.load import find_trial, load_trial
from data_contracts.recruitment import Recruitment
from data_contracts.spec import Trial

TRIAL = load_trial(find_trial("beat_the_blues"))
DEMO = load_trial(find_trial("demo"))
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
    ("randomised", "", "", 100, ""),
    ("excluded", "", "", 1, "found ineligible"),
    ("not analysed", "", "", 2, "no follow-up observed"),
    ("analysed", "", "", 97, ""),
]
SITES = [
    ("randomised", "Norfolk", 60),
    ("excluded", "Norfolk", 1),
    ("not analysed", "Norfolk", 2),
    ("analysed", "Norfolk", 57),
    ("randomised", "Sussex", 40),
    ("excluded", "Sussex", 0),
    ("not analysed", "Sussex", 0),
    ("analysed", "Sussex", 40),
]
Change = tuple[str, str, str, int, str]


def _flow(*changes: Change) -> pd.DataFrame:
    counts = {row[:3]: row for row in [*COUNTS, *changes]}
    rows: dict[str, list[Statistic]] = {}
    for stage, arm, visit, n, reason in counts.values():
        row = Statistic("count", float(n), arm=arm, visit=visit, at=reason)
        rows.setdefault(stage, []).append(row)
    return described_frame(rows, analysis=DISPOSITION)


def _sites(*changes: tuple[str, str, int]) -> pd.DataFrame:
    rows: dict[str, list[Statistic]] = {}
    for (stage, site), n in {row[:2]: row[2] for row in [*SITES, *changes]}.items():
        rows.setdefault(stage, []).append(Statistic("count", float(n), at=site))
    return pd.concat([_flow(), described_frame(rows, analysis=BY_SITE)], ignore_index=True)


def test_counts_that_add_up_are_told_with_their_sums() -> None:
    """CONSORT's reader checks the sums; the report shows that they were checked."""
    flow = participant_flow(_flow(), TRIAL)
    assert (flow.randomised, flow.analysed) == (100, 97)
    assert (
        "Usual care, analysis: 48 randomised = 45 analysed + 2 not analysed + 1 excluded" in flow.identities
    )
    assert "All arms: 100 randomised = 48 Usual care + 52 Beat the Blues plus usual care" in flow.identities
    assert len(flow.identities) == 6


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("analysed", "TAU", "", 46, ""), "Usual care, analysis"),
        (("lost", "TAU", "m8", 6, ""), "Usual care, 8 months"),
        (("no therapy", "BtheB", "", 8, ""), "Beat the Blues plus usual care, therapy"),
        (("randomised", "BtheB", "", 51, ""), "Beat the Blues plus usual care, analysis"),
        (("randomised", "", "", 99, ""), "All arms"),
    ],
)
def test_a_sum_that_fails_stops_the_report_and_is_named(change: Change, where: str) -> None:
    """A person who vanished between two boxes is an error of the data or the software, never a footnote."""
    with pytest.raises(ContractError, match="does not add up") as failure:
        participant_flow(_flow(change), TRIAL)
    assert where in str(failure.value)


def test_all_sums_that_fail_are_named_at_once() -> None:
    """Mending one to meet the next costs a night each."""
    changes = (("observed", "TAU", "m8", 1, ""), ("no therapy", "BtheB", "", 1, "no session"))
    with pytest.raises(ContractError) as failure:
        participant_flow(_flow(*changes), TRIAL)
    assert len(failure.value.problems) == 2


def test_the_reference_arm_has_no_therapy_box() -> None:
    """Nobody in usual care "had no therapy": none was offered."""
    usual, therapy = participant_flow(_flow(), TRIAL).ways
    assert usual.received is None
    assert therapy.received == 45


def test_a_reason_that_repeats_the_box_is_not_said_twice() -> None:
    """"1 excluded (excluded after randomisation)" tells nobody anything."""  # fmt: skip
    usual, _ = participant_flow(_flow(("excluded", "TAU", "", 1, "excluded after randomisation")), TRIAL).ways
    assert usual.excluded is not None
    assert usual.excluded.only_says("excluded")


def test_the_flow_of_everybody_names_no_arm() -> None:
    """It goes to committees that must not know one arm from another."""
    flow = participant_flow(_flow(), TRIAL, "all")
    (way,) = flow.ways
    assert (way.code, way.label, way.randomised, way.analysed, way.received) == ("", "All", 100, 97, None)
    assert not any(arm.label in said for arm in TRIAL.arms for said in flow.identities)


def test_the_flow_by_site_has_a_way_per_site_without_reasons() -> None:
    """A site's row says where it is in the place where an arm's row says why."""
    norfolk, sussex = participant_flow(_sites(), DEMO, "site").ways
    assert (norfolk.label, norfolk.randomised, norfolk.analysed) == ("Norfolk", 60, 57)
    assert norfolk.not_analysed is not None
    assert norfolk.not_analysed.by_reason == ()
    assert (sussex.label, sussex.randomised) == ("Sussex", 40)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ([("analysed", "Sussex", 39)], "Sussex, analysis"),
        ([("randomised", "Sussex", 41), ("analysed", "Sussex", 41)], "All sites"),
    ],
)
def test_sites_that_do_not_add_up_stop_the_report(changes: list[tuple[str, str, int]], where: str) -> None:
    """A site may lose somebody, and all sites together may be more than everybody."""
    with pytest.raises(ContractError, match="does not add up") as failure:
        participant_flow(_sites(*changes), DEMO, "site")
    assert where in str(failure.value)


def test_screening_that_the_trial_file_declares_stands_on_top_and_is_summed() -> None:
    """The first box of CONSORT's diagram: typed by hand, held against who was randomised."""
    declared = Recruitment(screened=130, excluded={"Declined": 20, "Not eligible": 10})
    flow = participant_flow(_flow(), TRIAL.model_copy(update={"recruitment": declared}))
    assert flow.screening is not None
    assert (flow.screening.assessed, flow.screening.excluded.n) == (130, 30)
    assert "Screening: 130 assessed = 30 excluded + 100 randomised" in flow.identities


def test_screening_that_does_not_add_up_is_mended_in_the_trial_file() -> None:
    """The numbers come from a person: the message says where they typed them."""
    declared = Recruitment(screened=131, excluded={"Declined": 20, "Not eligible": 10})
    with pytest.raises(ContractError, match=r"\[recruitment\]"):
        participant_flow(_flow(), TRIAL.model_copy(update={"recruitment": declared}))


def _screened(n: int) -> Trial:
    declared = Recruitment(screened=n, excluded={"Declined": 20, "Not eligible": 10})
    return TRIAL.model_copy(update={"recruitment": declared})


def test_an_allocation_record_that_was_set_aside_is_part_of_the_sum() -> None:
    """The screening log has the person, the flow has not: the trial file is right, and the difference is told."""
    flow = participant_flow(_flow(), _screened(131), set_aside=1)
    assert flow.screening is not None
    assert flow.screening.set_aside == 1
    said = "Screening: 131 assessed = 30 excluded + 100 randomised + 1 with the allocation record set aside"
    assert said in flow.identities
    picture = flow_figure(flow)
    assert picture is not None
    assert "besides, 1 with the allocation record set aside" in picture.said
    page = environment().get_template("macros.html.j2").module.flow_chart(flow)
    assert "1 with the allocation record set aside" in re.sub(r"<[^>]+>", "", page)


def test_the_copy_of_an_allocation_record_is_nobody_else() -> None:
    """A record set aside because it came twice leaves nobody out of the flow."""
    flow = participant_flow(_flow(), _screened(130), set_aside=1)
    assert flow.screening is not None
    assert flow.screening.set_aside == 0


@pytest.mark.parametrize(("screened", "set_aside"), [(132, 1), (129, 1), (131, 0)])
def test_more_people_missing_than_records_set_aside_stop_the_report(screened: int, set_aside: int) -> None:
    """What was set aside explains so many and no more."""
    with pytest.raises(ContractError, match="Screening"):
        participant_flow(_flow(), _screened(screened), set_aside=set_aside)


def test_the_message_says_where_else_to_look() -> None:
    """Correcting a right number would be the wrong remedy."""
    with pytest.raises(
        ContractError, match="Up to 1 more may be people whose allocation record was set aside"
    ):
        participant_flow(_flow(), _screened(132), set_aside=1)


def test_the_records_set_aside_are_those_of_the_allocation_form() -> None:
    """Other forms' records say nothing of who was randomised; a report may be given no counts of it."""
    (form,) = TRIAL.forms_of("allocation")
    counts = pd.DataFrame({"form": [form.name, "bdi"], "quarantined": [2, 9]})
    assert allocations_set_aside(counts, TRIAL) == 2
    assert allocations_set_aside(counts.iloc[1:], TRIAL) is None
    assert allocations_set_aside(pd.DataFrame(), TRIAL) is None
    assert participant_flow(_flow(), _screened(131), set_aside=None).screening is not None


def test_without_rows_there_is_no_flow() -> None:
    """A night whose results are empty still has a report that says so."""
    flow = participant_flow(described_frame({}), DEMO)
    assert (flow.ways, flow.analysed, flow.identities) == ((), None, ())
