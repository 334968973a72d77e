"""What is analysed and how: outcomes, events, populations, estimands, analyses, families of hypotheses.

Not here: the data they are made from (spec), names that point at nothing (references).
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from data_contracts.instrument import Declared
from data_contracts.random_effect import random_effect

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Strategy = Literal["treatment policy", "hypothetical", "composite", "while on treatment", "principal stratum"]
Covariance = Literal["us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh"]
DegreesOfFreedom = Literal[
    "kenward-roger", "kenward-roger-linear", "satterthwaite", "between-within", "residual"
]
LADDER: tuple[Covariance, ...] = ("us", "toeph", "ar1h", "csh", "cs")  # each simpler than the one before
ImputationStrategy = Literal["mar", "j2r", "cr", "cir", "lmcf"]
OutcomeKind = Literal["continuous", "binary", "ordinal", "count", "time to event"]


class Event(Declared):
    """Something that may happen to a participant after randomisation: dated records of a form."""

    name: Name
    label: str
    form: str
    where: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  # column -> codes; empty: each record
    date: str = ""  # the column that dates it; the form's own when empty


class Outcome(Declared):
    """A variable that is compared.

    Its source is a column of a visit form (also a count there, such as days), a scale of an instrument, another
    outcome cut at a threshold (`of`), or an event counted or awaited from randomisation on (`event`).
    """

    name: Name
    label: str
    kind: OutcomeKind = "continuous"
    form: str = ""
    column: str = ""
    instrument: str = ""
    scale: str = "total"
    of: str = ""
    at_least: float | None = None  # binary: yes from this value on
    at_most: float | None = None  # binary: yes up to this value
    change_at_least: float | None = None  # binary: yes when better than at baseline by this much
    cuts: tuple[float, ...] = ()  # ordinal: the first value of each higher level
    levels: tuple[str, ...] = ()  # ordinal: labels, one more than cuts
    event: str = ""
    until_days: Annotated[int, Field(ge=1)] | None = None  # of an event: days of follow-up that count
    unit: str = ""
    better: Literal["higher", "lower"]
    range: tuple[float, float] | None = None
    setting: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.column, self.instrument, self.of, self.event))) != 1:
            raise ValueError("give one of `column`, `instrument`, `of` and `event`")
        if bool(self.form) != bool(self.column or self.instrument):
            raise ValueError("`form` goes with `column` or `instrument`, and only with them")
        if self.event and self.kind not in {"count", "time to event"}:
            raise ValueError('`event` goes with kind "count" or "time to event", and only with them')
        if self.kind == "time to event" and not self.event:
            raise ValueError('kind "time to event" needs `event`')
        return self

    @model_validator(mode="after")
    def _cut_as_its_kind(self) -> Self:
        thresholds = [t for t in (self.at_least, self.at_most, self.change_at_least) if t is not None]
        if len(thresholds) != (self.kind == "binary" and bool(self.of)):
            raise ValueError(
                "a binary outcome `of` another has one of `at_least`, `at_most`, `change_at_least`"
            )
        if bool(self.cuts) != (self.kind == "ordinal" and bool(self.of)):
            raise ValueError("`cuts` goes with an ordinal outcome `of` another, and only with it")
        if self.cuts and (
            list(self.cuts) != sorted(set(self.cuts)) or len(self.levels) != len(self.cuts) + 1
        ):
            raise ValueError("`cuts` must rise, and `levels` must be one more than they are")
        if self.of and self.kind not in {"binary", "ordinal"}:
            raise ValueError('`of` goes with kind "binary" or "ordinal", and only with them')
        return self

    @property
    def is_by_visit(self) -> bool:
        """Return whether it has a value at each visit, rather than one per participant."""
        return not self.event


class Moderator(Declared):
    """A baseline variable by which the effect may differ: an outcome at baseline or a participant column."""

    name: Name
    label: str
    setting: str
    outcome: str = ""
    column: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.column) == bool(self.outcome):
            raise ValueError("give either `column` or `outcome`")
        return self


class Population(Declared):
    """Who is analysed: all randomised, less whoever fails a stated requirement."""

    name: Name
    label: str
    requires: tuple[
        Literal["eligible", "follow_up", "primary_observed", "all_visits", "adequate_dose"], ...
    ] = ()
    minimum_sessions: int | None = None  # in the therapy arm, with "adequate_dose"

    @model_validator(mode="after")
    def _dose_is_given(self) -> Self:
        if "adequate_dose" in self.requires and self.minimum_sessions is None:
            raise ValueError("`adequate_dose` needs `minimum_sessions`")
        return self


class IntercurrentEvent(Declared):
    """An event after randomisation and the strategy that answers it (ICH E9(R1))."""

    event: str
    strategy: Strategy
    source: str = ""  # the declared event that tells who had it


class Estimand(Declared):
    """The five attributes of ICH E9(R1), and the plan's clause."""

    name: Name
    label: str
    clause: str
    treatment: str
    population: str
    outcome: str
    visit: str
    summary: str
    intercurrent_events: tuple[IntercurrentEvent, ...] = Field(min_length=1)


class Imputation(Declared):
    """How missing outcomes are imputed, and how uncertain that leaves the comparison.

    A participant's strategy is that of their first declared event, else of their arm, else `strategy`.
    """

    strategy: ImputationStrategy = "mar"
    by_arm: Mapping[str, ImputationStrategy] = Field(default_factory=dict)
    by_event: Mapping[str, ImputationStrategy] = Field(default_factory=dict)
    after_event: Literal["used", "set aside"] = "used"  # outcomes seen after a declared event, under `mar`
    route: Literal["condmean", "approxbayes", "bayes"] = "condmean"
    se: Literal["jackknife", "bootstrap", "rubin"] = "jackknife"
    m: Annotated[int, Field(ge=2)] = 100
    cluster: str = ""  # jackknife and bootstrap leave out whole clusters of this column
    analyse_by: Literal["ancova", "mmrm"] = "ancova"

    @model_validator(mode="after")
    def _uncertainty_fits_the_route(self) -> Self:
        if (self.se == "rubin") != (self.route != "condmean"):
            raise ValueError('`se = "rubin"` goes with the routes that draw, approxbayes and bayes')
        return self


class Tipping(Declared):
    """Which departures from the imputations are tried: added to imputed values, in the outcome's unit."""

    deltas: tuple[float, ...] = Field(min_length=2)  # of the compared arms
    reference_deltas: tuple[float, ...] = (0.0,)  # of the reference arm
    accrual: Literal["fixed", "cumulative"] = "fixed"  # the same at each visit, or more with each

    @field_validator("deltas", "reference_deltas")
    @classmethod
    def _rise(cls, deltas: tuple[float, ...]) -> tuple[float, ...]:
        if list(deltas) != sorted(set(deltas)):
            raise ValueError("deltas must rise")
        return deltas


class Analysis(Declared):
    """One model that answers an estimand."""

    name: Name
    label: str
    estimand: str
    estimator: str
    role: Literal["primary", "cross-check", "secondary", "sensitivity", "moderator"]
    clause: str = ""
    covariates: tuple[str, ...] = ()  # participant columns
    covariates_by_visit: tuple[str, ...] = ()  # those among them whose effect may differ by visit
    baseline: bool = True  # adjust for the outcome at baseline
    baseline_by_visit: bool = True
    visit_as: Literal["category", "month"] = "category"
    treatment_by_visit: bool = True
    method: Literal["reml", "ml"] = "reml"
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    # of the estimator "mmrm"
    covariance: Covariance = "us"  # over visits
    df: DegreesOfFreedom = "kenward-roger"
    group: str = ""  # a participant column: a covariance of its own for each level
    random: tuple[str, ...] = ()  # random effects beside it: see random_effect
    fallback: tuple[Covariance, ...] | None = None  # tried in turn when it fails; None: the rest of LADDER

    # of the estimators that impute
    imputation: Imputation | None = None
    tipping: Tipping | None = None
    # of the estimators "cace" and "moderator", and of events
    minimum_sessions: Annotated[int, Field(ge=1)] | None = None  # the dose that counts as complying
    moderator: str = ""
    at: tuple[float, ...] = ()  # values of a continuous moderator; empty: its quartiles
    rmst_days: Annotated[int, Field(ge=1)] | None = None  # horizon of the restricted mean survival time

    @field_validator("random")
    @classmethod
    def _random_effects_can_be_read(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            random_effect(text)
        return texts

    @property
    def covariances(self) -> tuple[Covariance, ...]:
        """Return the covariance and its fallbacks, in the order they are tried."""
        if self.fallback is not None:
            return (self.covariance, *(name for name in self.fallback if name != self.covariance))
        return LADDER[LADDER.index(self.covariance) :] if self.covariance in LADDER else (self.covariance,)


class Family(Declared):
    """Hypotheses that are tested together, and how their p-values are adjusted for it.

    `gates` are tested in turn, each by Holm at `alpha`, the next only once all of one are rejected.
    """

    name: Name
    label: str
    method: Literal["none", "holm", "hochberg", "fixed sequence", "gatekeeping"]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    analyses: tuple[str, ...] = ()  # in the order of testing
    gates: tuple[tuple[str, ...], ...] = ()
    clause: str = ""

    @model_validator(mode="after")
    def _members(self) -> Self:
        if bool(self.gates) != (self.method == "gatekeeping") or bool(self.analyses) == bool(self.gates):
            raise ValueError('give `gates` with method "gatekeeping", and `analyses` with any other')
        return self

    @property
    def members(self) -> tuple[str, ...]:
        """Return the analyses of the family, in the order of testing."""
        return self.analyses or tuple(name for gate in self.gates for name in gate)
