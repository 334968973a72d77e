"""Every figure of the report: it looks as it did, says its numbers, and is legible in grey, in the dark, by any eye.

To accept a changed figure: `pytest tests/unit/test_figures.py --mpl-generate-path=tests/unit/figures_baseline`,
then look at what changed.
"""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.reporting import numbers
from analysis.reporting.consort import Flow, Reasons, Screening, VisitFlow, Way, participant_flow
from analysis.reporting.estimates import Estimate, comparison, first
from analysis.reporting.figures import look
from analysis.reporting.figures.adjusted_means import adjusted_means_figure
from analysis.reporting.figures.differences import differences_figure
from analysis.reporting.figures.distribution import distribution_figure
from analysis.reporting.figures.flow_diagram import flow_figure
from analysis.reporting.figures.missing_patterns import missing_patterns_figure
from analysis.reporting.figures.recruitment import recruitment_figure
from analysis.reporting.figures.residuals import residuals_figure
from analysis.reporting.figures.sensitivities import sensitivity_figure
from analysis.reporting.figures.standardised import standardised_figure
from analysis.reporting.figures.subgroups import subgroup_figures
from analysis.reporting.figures.tipping_point import tipping_figures
from analysis.reporting.report import Picture
from analysis.reporting.tables.tipping import tipping_tables
from analysis.results import Statistic, results_frame
from data_contracts.load import find_trial, load_trial
from data_contracts.spec import Arm, Visit

pytestmark = pytest.mark.slow  # one run of the demonstration trial

BASELINE = "figures_baseline"
# Root mean square of pixels, of 255. The locked matplotlib carries its own font and FreeType and hints nothing, so
# pictures are the same on every machine but for the last digits of its arithmetic. Another FreeType sets letters
# elsewhere (about 10) and asks for new baselines; one mark of a forest that moves by its standard error makes 3.
TOLERANCE = 1.5
DEMO = load_trial(find_trial("demo"))
Pictures = tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A figure: how it is drawn, what its words must hold, and whether arms are told apart in it."""

    draw: Callable[[pd.DataFrame], Pictures]
    says: Callable[[pd.DataFrame], str]
    by_arm: bool = True


def _primary(results: pd.DataFrame) -> Estimate:
    found = comparison(results, DEMO, DEMO.primary_analysis, DEMO.compared_arms[0])
    assert found is not None
    return found


def _difference(results: pd.DataFrame) -> str:
    found = _primary(results)
    limits = numbers.interval(found.lower, found.upper, found.decimals)
    return f"{numbers.number(found.value, found.decimals)} {limits}"


def _mean(results: pd.DataFrame) -> str:
    return _shown(results, 1, analysis="primary", statistic="adjusted mean", visit="m9", arm="SRT")


def _shown(results: pd.DataFrame, decimals: int, **where: str) -> str:
    found = first(results, **where)
    assert found is not None
    return numbers.number(found.value, decimals)


def _imputed(results: pd.DataFrame) -> str:
    where = {"analysis": "tipping_point", "statistic": "delta-adjusted difference", "at": "SRT +0, UC +0"}
    return f"the difference is {_shown(results, 1, **where)}"


def _median(results: pd.DataFrame) -> str:
    return _shown(
        results,
        1,
        analysis="observed",
        outcome=DEMO.primary.outcome,
        statistic="median",
        visit="m9",
        arm="SRT",
    )


def _standardised(results: pd.DataFrame) -> str:
    return _shown(results, 2, analysis="primary", statistic="standardised difference", visit="m9")


def _randomised(results: pd.DataFrame) -> str:
    where = {"analysis": "disposition", "outcome": "randomised", "arm": ""}
    return _shown(results, 0, **where)


def _complete(arm: str) -> Callable[[pd.DataFrame], str]:
    where = {"analysis": "missing patterns", "statistic": "count", "at": "XXXX", "arm": arm}
    return lambda results: (
        f"Seen at every visit: {'Usual care' if arm else 'all arms'} {_shown(results, 0, **where)}"
    )


def _flow(by: str) -> Callable[[pd.DataFrame], Pictures]:
    return lambda results: _some(flow_figure(participant_flow(results, DEMO, by)))


def _some(picture: Picture | None) -> Pictures:
    return () if picture is None else (picture,)


# Three arms with long names and nine visits, of which some stand close together.
CROWDED_ARMS = (
    Arm(code="UC", label="Usual care in early intervention services", reference=True),
    Arm(code="SRT", label="Social Recovery Therapy plus usual care, face to face", therapy=True),
    Arm(code="ONLINE", label="Social Recovery Therapy plus usual care, over the internet", therapy=True),
)
CROWDED_VISITS = (
    Visit(code="baseline", label="Baseline", month=0, baseline=True),
    *(Visit(code=f"m{month}", label=f"{month} months", month=month) for month in (1, 2, 3, 6, 9, 12, 18, 24)),
)
CROWDED = DEMO.model_copy(update={"arms": CROWDED_ARMS, "visits": CROWDED_VISITS})


def _crowded_rows() -> pd.DataFrame:
    rows = []
    for place, arm in enumerate(CROWDED_ARMS):
        for visit in CROWDED_VISITS[1:]:
            value = 15 + 4 * place + visit.month / 3
            common = {"visit": visit.code, "se": 2.0, "confidence": 0.95, "p_value": 0.05, "n": 150}
            rows.append(
                Statistic("adjusted mean", value, arm=arm.code, lower=value - 4, upper=value + 4, **common)
            )
            if place:
                limits = {"lower": 4.0 * place - 5, "upper": 4.0 * place + 5, "contrast": f"{arm.code} - UC"}
                rows.append(Statistic("adjusted mean difference", 4.0 * place, **common, **limits))
    return results_frame(rows, analysis="primary", outcome=DEMO.primary.outcome, role="primary")


def _crowded_flow(results: pd.DataFrame) -> Pictures:
    lost = Reasons(7, (("Withdrew consent", 3), ("Could not be reached by telephone, letter or visit", 4)))
    ways = tuple(
        Way(
            arm.code, arm.label, 60, Reasons(2, (("found ineligible after randomisation", 2),)),
            51 if arm.therapy else None, Reasons(7, ()) if arm.therapy else None,
            tuple(VisitFlow(v, 51, lost, v.code == "m9") for v in CROWDED_VISITS[::8]),
            Reasons(4, (("no follow-up observed", 4),)), 54,
        )
        for arm in (*CROWDED_ARMS, *(_later(arm) for arm in CROWDED_ARMS[1:]))
    )  # fmt: skip
    return _some(flow_figure(Flow("arm", 300, 270, ways, (), Screening(300, Reasons(0, ())))))


def _later(arm: Arm) -> Arm:
    return arm.model_copy(update={"code": f"{arm.code}2", "label": f"{arm.label}, later cohort"})


def _broken_forest(results: pd.DataFrame) -> Pictures:
    """Return the forest with an analysis that failed, and one whose interval goes far beyond the others."""
    changed = results.copy()
    difference = changed["statistic"] == "adjusted mean difference"
    failed, wide = (difference & (changed["analysis"] == name) for name in ("lmm", "complete_cases"))
    changed.loc[failed, ["value", "lower", "upper"]] = np.nan
    changed.loc[failed, "status"] = "not estimable"
    changed.loc[failed, "reason"] = (
        "the fit did not converge after four covariance structures had been tried in turn"
    )
    changed.loc[wide, "upper"] = 400.0
    return tuple(replace(one, name="forest-of-trouble") for one in sensitivity_figure(changed, DEMO))


CASES: dict[str, Case] = {
    "adjusted-means": Case(lambda r: adjusted_means_figure(r, DEMO), _mean),
    "visit-differences": Case(lambda r: differences_figure(r, DEMO), _difference),
    "subgroup-forest": Case(lambda r: subgroup_figures(r, DEMO), _difference),
    "sensitivity-forest": Case(lambda r: sensitivity_figure(r, DEMO), _difference),
    "tipping-point": Case(lambda r: tipping_figures(r, DEMO), _imputed),
    "missing-patterns": Case(lambda r: missing_patterns_figure(r, DEMO), _complete("UC")),
    "missing-patterns-pooled": Case(lambda r: missing_patterns_figure(r, DEMO, pooled=True), _complete(""), False),
    "recruitment": Case(lambda r: recruitment_figure(r, DEMO), _randomised, by_arm=False),
    "flow-diagram": Case(_flow("arm"), _randomised),
    "flow-diagram-site": Case(_flow("site"), _randomised, by_arm=False),
    "flow-diagram-all": Case(_flow("all"), _randomised, by_arm=False),
    "distribution": Case(lambda r: distribution_figure(r, DEMO), _median),
    "residuals": Case(lambda r: residuals_figure(r, DEMO), lambda _: "", by_arm=False),
    "standardised": Case(lambda r: standardised_figure(r, DEMO), _standardised),
    "crowded-means": Case(lambda _: adjusted_means_figure(_crowded_rows(), CROWDED), lambda _: "24 months: 31.0"),
    "crowded-differences": Case(lambda _: differences_figure(_crowded_rows(), CROWDED), lambda _: "8.0 (3.0 to 13.0)"),
    "crowded-flow": Case(_crowded_flow, lambda _: "300 assessed", by_arm=False),
    "forest-of-trouble": Case(_broken_forest, lambda _: "did not converge", by_arm=False),
}  # fmt: skip
ON_DEMO = [name for name in CASES if not name.startswith(("crowded", "forest-of"))]
SIDE_BY_SIDE = [name for name in ON_DEMO if not name.startswith("missing-patterns-pooled")]  # on one page


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return the results table of the demonstration trial, of a run of its own."""
    home = tmp_path_factory.mktemp("home")
    srt = Path(sys.executable).with_name("srt")
    environment = {**os.environ, "SRT_HOME": str(home)}
    subprocess.run(
        [srt, "run", "demo"], env=environment, check=False, capture_output=True
    )  # its report isn't used
    (table,) = (home / "store" / "demo" / "results").glob("results-*.parquet")
    return pd.read_parquet(table)


@pytest.fixture(scope="module")
def drawn(results: pd.DataFrame) -> dict[str, Picture]:
    """Return each figure, drawn once."""
    found = {name: case.draw(results) for name, case in CASES.items()}
    assert all(len(pictures) == 1 for pictures in found.values()), {n: len(p) for n, p in found.items()}
    return {name: pictures[0] for name, pictures in found.items()}


@dataclass(frozen=True, slots=True)
class Half:
    """A picture at half its size, saved as pytest-mpl saves a figure: small files, and softer edges of letters."""

    picture: Picture

    def savefig(self, file: str, **_: object) -> None:
        _half(self.picture).save(file, "png")


def _half(picture: Picture) -> Image.Image:
    return _image(picture).reduce(2).quantize(32, method=Image.Quantize.FASTOCTREE)


def _image(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


def _compared(name: str) -> pytest.MarkDecorator:
    return pytest.mark.mpl_image_compare(
        baseline_dir=BASELINE, filename=f"{name}.png", tolerance=TOLERANCE, style="default"
    )


@pytest.mark.parametrize("name", [pytest.param(name, marks=_compared(name)) for name in CASES])
def test_a_figure_looks_as_it_did(name: str, drawn: dict[str, Picture]) -> Half:
    """Nobody looks at each figure after each change; this does."""
    return Half(drawn[name])


def _distance(one: Image.Image, other: Image.Image) -> float:
    """Return the root mean square of the pixels' differences, as matplotlib's comparison counts it."""
    a, b = (np.asarray(image.convert("RGB"), dtype="float64") for image in (one, other))
    return float(np.sqrt(((a - b) ** 2).mean()))


def _moved(results: pd.DataFrame, analysis: str, visit: str, by: float) -> pd.DataFrame:
    """Return results in which one difference is another, by so many standard errors."""
    own = (results["analysis"] == analysis) & (results["visit"] == visit)
    own &= results["statistic"] == "adjusted mean difference"
    moved = results.copy()
    for column in ("value", "lower", "upper"):
        moved.loc[own, column] += by * moved.loc[own, "se"]
    return moved


@pytest.mark.parametrize(
    ("name", "analysis", "visit"),
    [
        ("visit-differences", "primary", "m24"),
        ("sensitivity-forest", "ancova", "m9"),
        ("subgroup-forest", "by_concomitant_therapy", "m9"),
    ],
)
def test_one_estimate_that_moves_is_seen_and_the_last_digits_are_not(
    name: str, analysis: str, visit: str, results: pd.DataFrame, drawn: dict[str, Picture]
) -> None:
    """The comparison could fail; and the rounding of another processor doesn't make it fail."""
    (wrong,) = CASES[name].draw(_moved(results, analysis, visit, by=1.0))
    (same,) = CASES[name].draw(_moved(results, analysis, visit, by=1e-7))
    assert _distance(_half(wrong), _half(drawn[name])) > 1.5 * TOLERANCE
    assert _distance(_half(same), _half(drawn[name])) < 0.1 * TOLERANCE


@pytest.mark.parametrize("name", CASES)
def test_a_figure_says_its_main_number(name: str, drawn: dict[str, Picture], results: pd.DataFrame) -> None:
    """Who hears the report is told the same numbers."""
    said = drawn[name].said
    assert re.search(r"\d", said)
    assert CASES[name].says(results) in said
    assert drawn[name].title


@pytest.mark.parametrize("name", CASES)
def test_every_colour_of_a_figure_follows_the_page(name: str, drawn: dict[str, Picture]) -> None:
    """A black letter on a dark page can't be read; text without a fill of its own would be black."""
    body = re.sub(r"var\(--[a-z0-9-]+, #[0-9a-f]{6}\)", "themed", drawn[name].svg)
    assert re.findall(r"[:\"]\s*#[0-9a-fA-F]{3,8}\b(?![^\"]*url)", re.sub(r'href="#[^"]*"', "", body)) == []
    assert (
        re.findall(
            r"(?:fill|stroke): (?!none|themed)[^;\"]+", re.sub(r"(?:fill|stroke)-[a-z]+: [^;\"]+", "", body)
        )
        == []
    )
    for style in re.findall(r"<text[^>]*style=\"([^\"]*)\"", body):
        assert "fill: themed" in style


def test_figures_on_one_page_have_ids_of_their_own(drawn: dict[str, Picture]) -> None:
    """Two clips of one id would cut the second figure by the first one's frame."""
    ids = [found for name in SIDE_BY_SIDE for found in re.findall(r'\bid="([^"]*)"', drawn[name].svg)]
    assert len(ids) == len(set(ids))
    for name in SIDE_BY_SIDE:
        svg = drawn[name].svg
        wanted = set(re.findall(r"url\(#([^)]*)\)", svg)) | set(re.findall(r'href="#([^"]*)"', svg))
        assert wanted <= set(re.findall(r'\bid="([^"]*)"', svg))


def test_a_map_of_tipping_points_and_its_table_have_addresses_of_their_own(
    results: pd.DataFrame, drawn: dict[str, Picture]
) -> None:
    """They stand in one section, and were once called the same."""
    assert drawn["tipping-point"].name not in {table.name for table in tipping_tables(results, DEMO)}


@pytest.mark.parametrize("name", [n for n in ON_DEMO if CASES[n].by_arm and not n.startswith("flow")])
def test_a_figure_of_shuffled_arms_says_so_across_itself(name: str, results: pd.DataFrame) -> None:
    """A picture travels without its page."""
    (picture,) = CASES[name].draw(results.assign(allocation="shuffled"))
    assert "ALLOCATION SHUFFLED" in picture.svg
    assert picture.said.startswith("Allocation shuffled")


def test_the_flow_of_shuffled_arms_says_so_and_that_of_sites_does_not(results: pd.DataFrame) -> None:
    """Sites are what they are."""
    by_arm, by_site = (
        flow_figure(participant_flow(results, DEMO, by), is_shuffled=True) for by in ("arm", "site")
    )
    assert by_arm is not None
    assert by_site is not None
    assert "ALLOCATION SHUFFLED" in by_arm.svg
    assert "ALLOCATION SHUFFLED" not in by_site.svg


def test_the_pooled_pattern_names_no_arm(drawn: dict[str, Picture]) -> None:
    """The open report must not tell arms apart."""
    svg = drawn["missing-patterns-pooled"].svg
    assert all(arm.label not in svg and arm.code not in re.findall(r">([^<]*)<", svg) for arm in DEMO.arms)


# Linear RGB as people without one kind of cone see it: Machado, Oliveira and Fernandes (2009), severity 1.
SEEN_AS = {
    "everybody": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
TO_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
APART = 15.0  # CIE 1976 colour difference; 2.3 is just noticeable, so this is plain also in a thin line
APART_IN_GREY = (
    7.5  # of 100 steps of lightness, for the first three arms; all differ in marker and dashes too
)


def _linear(rgb: np.ndarray) -> np.ndarray:
    part = rgb / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* of colours (n, 3) in linear RGB, white as the screen's."""
    relative = (linear @ TO_XYZ.T) / TO_XYZ.sum(axis=1)
    f = np.where(relative > 216 / 24389, np.cbrt(relative), (24389 / 27 * relative + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def _rgb(colours: list[str]) -> np.ndarray:
    return np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], dtype="float64")


STYLES = _rgb([style.colour for style in look.STYLES])


@pytest.mark.parametrize("eye", SEEN_AS)
def test_arms_are_told_apart_by_every_eye(eye: str) -> None:
    """One man in twelve sees colours otherwise; each line also stands out from the paper by 3 to 1 (WCAG 1.4.11)."""
    seen = _lab(np.clip(_linear(STYLES) @ SEEN_AS[eye].T, 0, 1))
    for a, b in combinations(seen, 2):
        assert np.linalg.norm(a - b) >= APART
    luminance = _linear(STYLES) @ TO_XYZ[1]
    assert (1.05 / (luminance + 0.05) >= 3).all()


def test_arms_are_told_apart_in_grey() -> None:
    """Journals print grey, and so do most offices."""
    lightness = _lab(_linear(STYLES))[:, 0]
    assert min(abs(a - b) for a, b in combinations(lightness[:3], 2)) >= APART_IN_GREY
    for one, other in combinations(look.STYLES, 2):
        assert one.marker != other.marker
        assert one.dashes != other.dashes


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].by_arm])
def test_the_colours_a_figure_truly_shows_stay_apart_in_grey_and_without_green(
    name: str, drawn: dict[str, Picture]
) -> None:
    """What is on the picture counts, after its 256 colours: each arm's colour that is there, seen both ways."""
    counted = _image(drawn[name]).getcolors(256)
    common = np.array([colour for n, colour in counted if n >= 40], dtype="float64")
    near = [common[np.abs(common - style).max(axis=1) <= 4] for style in STYLES]
    shown = np.array([found.mean(axis=0) for found in near if len(found)])
    if len(shown) < 2:
        return
    without_green = _lab(np.clip(_linear(shown) @ SEEN_AS["deuteranopia"].T, 0, 1))
    assert min(np.linalg.norm(a - b) for a, b in combinations(without_green, 2)) >= APART
    lightness = _lab(_linear(shown))[:, 0]
    assert min(abs(a - b) for a, b in combinations(lightness[:3], 2)) >= APART_IN_GREY


def test_the_same_results_give_the_same_bytes(results: pd.DataFrame, drawn: dict[str, Picture]) -> None:
    """A night on which nothing changed must not look like a change."""
    for name, picture in drawn.items():
        (again,) = CASES[name].draw(results)
        assert again == picture, name


def test_figures_without_rows_are_left_out() -> None:
    """An empty frame would be taken for a finding."""
    nothing = results_frame([])
    left = [
        name
        for name in ON_DEMO
        if not name.startswith(("sensitivity", "subgroup")) and CASES[name].draw(nothing)
    ]
    assert left == []


def test_words_are_broken_where_they_fit() -> None:
    """Text that runs out of its box is lost in Word."""
    lines = look.wrapped("a-word-that-is-much-longer-than-its-box and more", 0.8, 9)
    assert len(lines) >= 4
    assert all(look.text_width(line, 9) <= 0.8 for line in lines)
    assert "".join(lines).replace(" ", "") == "a-word-that-is-much-longer-than-its-boxandmore"
