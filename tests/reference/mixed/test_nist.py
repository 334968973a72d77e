"""NIST's Statistical Reference Datasets (StRD): certified to 15 digits by arithmetic of 500.

https://www.itl.nist.gov/div898/strd/anova/anova.html and https://www.itl.nist.gov/div898/strd/lls/data/Longley.shtml.
In a balanced one-way layout of I groups of J the certified mean squares give the random-effects fit by hand (F > 1 in
all of these, so no variance is at zero): residual variance = within, variance of groups = (between - within) / J,
standard error of the mean = sqrt(between / IJ) on I - 1 degrees of freedom, and the restricted log-likelihood.
SiRstv: Ehrstein and Croarkin, unpublished NIST data. AtmWtAg: Powell, Murphy and Gramlich (1982). SmLs01 to SmLs09:
Simon and Lesage (1989), here made by their rule. Longley: Longley (1967), data from statsmodels.

What doubles can hold: SmLs04 to 06 lie near 1e6 and SmLs07 to 09 near 1e12, where a double's spacing is 1.2e-10 and
1.2e-4 and the tenths that carry all the information are rounded. The exact analysis of the numbers as stored (by
rational arithmetic, below) agrees with the certified values to 1e-10 and to 1.2e-4: ten digits and four are all that
any program reading doubles can give. Beyond that the engine is held against the exact analysis of the stored numbers.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from analysis.mixed import MMRM

SIRSTV = """
196.3052 196.1240 196.1890 196.2569 196.3403
196.3042 196.3825 196.1669 196.3257 196.0422
196.1303 196.2005 196.2889 196.0343 196.1811
196.2795 196.1748 196.1494 196.1485 195.9885
196.2119 196.1051 196.1850 196.0052 196.2090
"""
ATMWTAG = """
107.8681568 107.8681465 107.8681572 107.8681785 107.8681446 107.8681903 107.8681526 107.8681494
107.8681616 107.8681587 107.8681519 107.8681486 107.8681419 107.8681569 107.8681508 107.8681672
107.8681385 107.8681518 107.8681662 107.8681424 107.8681360 107.8681333 107.8681610 107.8681477
107.8681079 107.8681344 107.8681513 107.8681197 107.8681604 107.8681385 107.8681642 107.8681365
107.8681151 107.8681082 107.8681517 107.8681448 107.8681198 107.8681482 107.8681334 107.8681609
107.8681101 107.8681512 107.8681469 107.8681360 107.8681254 107.8681261 107.8681450 107.8681368
"""
TREATMENTS = (0, -1, 1, -1, 1, -1, 1, -1, 1)  # tenths about 1.4


@dataclass(frozen=True, slots=True)
class Layout:
    """Groups of equal size, and the certified mean squares and F."""

    name: str
    values: np.ndarray  # (I, J)
    between: float
    within: float
    ratio: float  # F
    digits: float  # relative error to which the stored numbers still carry the certified values

    @property
    def frame(self) -> pd.DataFrame:
        """Long, with the replicate numbered."""
        groups, replicates = self.values.shape
        names = [f"group {number}" for number in range(1, groups + 1)]
        group = pd.Categorical.from_codes(np.repeat(np.arange(groups), replicates), names)
        return pd.DataFrame(
            {"group": group, "replicate": np.tile(np.arange(replicates), groups), "y": self.values.ravel()}
        )


def simon_lesage(lead: int, replicates: int) -> np.ndarray:
    """A treatment's first value is lead + 0.4 and its tenths; the others alternate 0.1 below and above: (9, J)."""
    alternate = [0, *[-1, 1] * ((replicates - 1) // 2)]
    tenths = np.array([[10 * lead + 4 + one + other for other in alternate] for one in TREATMENTS])
    return tenths / 10  # the double nearest to the decimal number: the integers are exact


def layouts() -> list[Layout]:
    """Name, values, certified mean squares and F."""
    sirstv = np.array(SIRSTV.split(), dtype=float).reshape(5, 5)
    atmwtag = np.array(ATMWTAG.split(), dtype=float).reshape(2, 24)
    found = [
        Layout("SiRstv", sirstv, 1.27865654000000e-02, 1.08318280000000e-02, 1.18046237440255e00, 1e-12),
        Layout("AtmWtAg", atmwtag, 3.63834187500000e-09, 2.28155932971014e-10, 1.59467335677930e01, 1e-9),
    ]
    certified = {21: (0.21, 0.01, 21.0), 201: (2.01, 0.01, 201.0), 2001: (20.01, 0.01, 2001.0)}
    number = 0
    for lead, digits in ((1, 1e-12), (10**6, 2e-10), (10**12, 2e-4)):
        for replicates, squares in certified.items():
            number += 1
            found.append(Layout(f"SmLs{number:02d}", simon_lesage(lead, replicates), *squares, digits=digits))
    return found


LAYOUTS = layouts()
FEW_REPLICATES = [layout for layout in LAYOUTS if layout.values.shape[1] <= 201]
ENGINE = (
    1e-9  # Newton stops at a scaled gradient of 1e-8, the variances' own error is its square root's fraction
)


def analysis_of_variance(values: np.ndarray) -> tuple[float, float, float]:
    """Mean squares and F of the numbers as stored, exactly."""
    groups, size = values.shape
    counts = [Counter(Fraction(float(value)) for value in row) for row in values]
    means = [sum(value * count for value, count in own.items()) / size for own in counts]
    grand = sum(means) / groups
    between = size * sum((mean - grand) ** 2 for mean in means) / (groups - 1)
    within = sum(
        count * (value - mean) ** 2
        for own, mean in zip(counts, means, strict=True)
        for value, count in own.items()
    ) / (groups * (size - 1))
    return float(between), float(within), float(between / within)


def restricted_log_likelihood(layout: Layout, between: float, within: float) -> float:
    """-2 l = (N - 1)(log 2 pi + 1) + I(J - 1) log within + (I - 1) log between + log N at the optimum."""
    groups, size = layout.values.shape
    rows = groups * size
    logs = groups * (size - 1) * np.log(within) + (groups - 1) * np.log(between) + np.log(rows)
    return float(-0.5 * ((rows - 1) * (np.log(2.0 * np.pi) + 1.0) + logs))


def tolerance(layout: Layout) -> float:
    """What the certified values can be held to: the larger of the data's digits and the engine's."""
    return max(layout.digits, ENGINE)


def mean_squares(fit, layout: Layout) -> tuple[float, float]:
    """Between and within, from the fitted variances."""
    shared, within = float(fit.random_effects_variances.iloc[0]), float(fit.covariance.iloc[0, 0])
    return within + layout.values.shape[1] * shared, within


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_stored_numbers_carry_the_certified_digits_and_no_more(layout):
    """The tolerances of the other tests are those of the data, shown here without the engine."""
    certified = [layout.between, layout.within, layout.ratio]
    np.testing.assert_allclose(analysis_of_variance(layout.values), certified, rtol=layout.digits)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_random_groups_have_the_certified_variances(layout):
    """Balanced: restricted maximum likelihood is the analysis of variance."""
    fit = MMRM.from_formula("y ~ 1", layout.frame, random=["group"], covariance="iid").fit()
    assert fit.convergence.ok
    np.testing.assert_allclose(
        mean_squares(fit, layout), [layout.between, layout.within], rtol=tolerance(layout)
    )
    se = np.sqrt(layout.between / layout.values.size)
    np.testing.assert_allclose(fit.bse.iloc[0], se, rtol=tolerance(layout))
    np.testing.assert_allclose(fit.df.iloc[0], len(layout.values) - 1, rtol=1e-7)
    np.testing.assert_allclose(fit.params.iloc[0], layout.values.mean(), rtol=1e-11)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_random_groups_have_the_log_likelihood_by_hand(layout):
    """From the exact mean squares of the stored numbers."""
    fit = MMRM.from_formula("y ~ 1", layout.frame, random=["group"], covariance="iid").fit()
    between, within, _ = analysis_of_variance(layout.values)
    expected = restricted_log_likelihood(layout, between, within)
    np.testing.assert_allclose(fit.llf, expected, rtol=1e-10)


@pytest.mark.parametrize("layout", FEW_REPLICATES, ids=lambda one: one.name)
def test_compound_symmetry_has_the_certified_variances(layout):
    """The same model with groups as participants and replicates as visits; 2,001 visits would be a dense matrix."""
    model = MMRM.from_formula("y ~ 1", layout.frame, subject="group", visit="replicate", covariance="cs")
    fit = model.fit()
    total, shared = fit.theta
    within = total - shared
    squares = [within + layout.values.shape[1] * shared, within]
    np.testing.assert_allclose(squares, [layout.between, layout.within], rtol=tolerance(layout))
    np.testing.assert_allclose(fit.df.iloc[0], len(layout.values) - 1, rtol=1e-7)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_fixed_groups_have_the_certified_f(layout):
    """One-way analysis of variance by the engine's least-squares path."""
    fit = MMRM.from_formula("y ~ group", layout.frame, covariance="iid").fit(df="residual")
    test = fit.f_test(np.eye(len(layout.values))[1:])
    np.testing.assert_allclose(test.statistic, layout.ratio, rtol=tolerance(layout))
    assert (test.numerator_df, test.denominator_df) == (
        len(layout.values) - 1,
        layout.values.size - len(layout.values),
    )
    np.testing.assert_allclose(fit.covariance.iloc[0, 0], layout.within, rtol=tolerance(layout))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_engine_loses_nothing_of_what_is_stored(layout):
    """Near 1e12 four certified digits are left in the data; the engine keeps all that the stored numbers hold."""
    between, within, ratio = analysis_of_variance(layout.values)
    fit = MMRM.from_formula("y ~ 1", layout.frame, random=["group"], covariance="iid").fit()
    np.testing.assert_allclose(mean_squares(fit, layout), [between, within], rtol=ENGINE)
    fixed = MMRM.from_formula("y ~ group", layout.frame, covariance="iid").fit(df="residual")
    np.testing.assert_allclose(fixed.f_test(np.eye(len(layout.values))[1:]).statistic, ratio, rtol=ENGINE)


LONGLEY = {  # term: certified coefficient and standard error
    "Intercept": (-3482258.63459582, 890420.383607373),
    "GNPDEFL": (15.0618722713733, 84.9149257747669),
    "GNP": (-0.358191792925910e-01, 0.334910077722432e-01),
    "UNEMP": (-2.02022980381683, 0.488399681651699),
    "ARMED": (-1.03322686717359, 0.214274163161675),
    "POP": (-0.511041056535807e-01, 0.226073200069370),
    "YEAR": (1829.15146461355, 455.478499142212),
}
LONGLEY_SD, LONGLEY_F = 304.854073561965, 330.285339234588


@pytest.fixture(scope="module")
def longley():
    """With subject and visit the engine refuses a single visit; with neither, residuals are independent: OLS."""
    from statsmodels.datasets import longley

    formula = "TOTEMP ~ GNPDEFL + GNP + UNEMP + ARMED + POP + YEAR"
    return MMRM.from_formula(formula, longley.load_pandas().data, covariance="iid")


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite", "residual"])
def test_longley_has_the_certified_coefficients(longley, df):
    """Condition number 5e9: normal equations would leave four digits or none. All three df are exactly 9 here."""
    fit = longley.fit(df=df)
    coefficients, errors = np.array(list(LONGLEY.values())).T
    assert list(fit.params.index) == list(LONGLEY)
    np.testing.assert_allclose(fit.params, coefficients, rtol=1e-11)
    np.testing.assert_allclose(fit.bse, errors, rtol=1e-10)
    np.testing.assert_allclose(fit.df, 9.0, rtol=1e-8)


def test_longley_has_the_certified_residual_deviation_and_f(longley):
    """Residual standard deviation on 9 degrees of freedom, and the regression's F on 6 and 9."""
    fit = longley.fit(df="residual")
    np.testing.assert_allclose(np.sqrt(fit.covariance.iloc[0, 0]), LONGLEY_SD, rtol=1e-10)
    test = fit.f_test(np.eye(7)[1:])
    np.testing.assert_allclose(test.statistic, LONGLEY_F, rtol=1e-10)
    assert (test.numerator_df, test.denominator_df) == (6, 9.0)
