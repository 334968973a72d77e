"""A trial as its file declares it: frozen objects, valid once built. Not here: reading TOML (load)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from data_contracts.check import Check
from data_contracts.deviation import Deviation
from data_contracts.instrument import Declared, Instrument
from data_contracts.operations import (
    Arrival,
    Blinding,
    Disclosure,
    Eligible,
    Privacy,
    QueryLife,
    Randomisation,
    Retention,
)
from data_contracts.plan import (
    Analysis,
    Estimand,
    Event,
    Family,
    Moderator,
    Name,
    Outcome,
    Population,
)
from data_contracts.recruitment import Recruitment

ColumnType = Literal["text", "integer", "number", "category", "date"]
FileFormat = Literal["sav", "por", "csv", "dta", "sas7bdat", "xpt"]
Severity = Literal["critical", "warning", "info"]
FormKind = Literal[
    "participants", "allocation", "visits", "sessions", "discontinuations", "adverse_events", "withdrawals"
]
OF_THERAPY: tuple[FormKind, ...] = ("sessions", "discontinuations")  # expected in the therapy arms only
Code = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Mark = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1)]  # a tab is one


class Arm(Declared):
    """One arm; `values` are the codes by which the exports call it."""

    code: Code
    label: str
    values: tuple[str, ...] = ()
    reference: bool = False
    therapy: bool = False  # sessions are expected here only

    @property
    def spellings(self) -> tuple[str, ...]:
        """Return each code that means this arm in an export."""
        return (self.code, *self.values)


class Site(Declared):
    """A centre; `values` are the codes by which the exports call it."""

    code: Code
    label: str
    values: tuple[str, ...] = ()
    target: int | None = None  # participants to be randomised

    @property
    def spellings(self) -> tuple[str, ...]:
        """Return each code that means this site in an export."""
        return (self.code, *self.values)


class Visit(Declared):
    """A planned visit; the window is in days since randomisation, both ends included."""

    code: Code
    label: str
    month: float
    window: tuple[int, int] | None = None
    values: tuple[str, ...] = ()
    baseline: bool = False
    retention_target: Annotated[float, Field(gt=0, le=1)] | None = None

    @property
    def spellings(self) -> tuple[str, ...]:
        """Return each code that means this visit in an export."""
        return (self.code, *self.values)


class Column(Declared):
    """One variable of a form: where it is in the export, and what it must be."""

    name: Name
    type: ColumnType
    source: str = ""  # the export's name; the same when empty
    label: str = ""
    labels: Mapping[str, str] = Field(default_factory=dict)  # code -> label
    range: tuple[float, float] | None = None
    missing: Mapping[str, str] = Field(default_factory=dict)  # code -> reason
    format: str = ""  # strptime format of a date in a CSV
    required: bool = False
    severity: Severity = "warning"  # of a value out of range or not among the labels
    free_text: bool = False  # searched for words that unblind
    may_be_future: bool = False  # of a date: an appointment, not an event
    required_at: tuple[str, ...] = ()  # visits at which it must be filled in
    unit: str = ""

    @property
    def in_file(self) -> str:
        """Return the column's name in the export."""
        return self.source or self.name


class InstrumentUse(Declared):
    """An instrument in a form: the items stand in columns `<prefix><number>`."""

    prefix: str
    missing: Mapping[str, str] = Field(default_factory=dict)
    total: str = ""  # the export's own total, checked against the items


class Form(Declared):
    """One export: its file, its key, and its columns."""

    name: Name
    label: str
    kind: FormKind
    file: str  # a pattern below the landing folder
    format: FileFormat
    encoding: str = ""
    delimiter: Mark = ","
    decimal: Mark = "."
    thousands: Mark | Literal[""] = ""  # mark between thousands; "" where none is written
    drop: tuple[str, ...] = ()  # the export's personal columns, by their names there: dropped at the door
    key: tuple[str, ...]
    required: bool = True  # may the file be absent?
    may_be_empty: bool = False
    owner: str = "data manager"
    columns: Mapping[str, Column]
    instruments: Mapping[str, InstrumentUse] = Field(default_factory=dict)
    totals: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  # total -> its parts
    date: str = ""  # the column that dates the record
    expected_at: tuple[str, ...] = ()  # visits that are overdue without a record once their window has closed
    wide: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)  # column -> visit -> export's name

    @model_validator(mode="before")
    @classmethod
    def _name_columns(cls, raw: object) -> object:
        return _with_names(raw, "columns")


class Night(Declared):
    """When the trial runs unattended, and when its data are stale."""

    cron: str = "0 2 * * *"
    time_zone: str = "UTC"
    stale_after_days: Annotated[float, Field(gt=0)] = 7

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone named {zone!r}; expected a name such as Europe/London") from None
        return zone


SECTIONS = (
    "forms",
    "events",
    "outcomes",
    "moderators",
    "populations",
    "estimands",
    "analyses",
    "families",
    "checks",
)


class Trial(Declared):
    """A whole trial; `plan_hash` is the SHA-256 of its file and of the instruments it names."""

    name: Name
    title: str
    description: str
    plan_version: str
    registration: str = ""
    synthetic: bool = False
    seed: Annotated[int, Field(ge=0)]
    plan_hash: str = ""
    night: Night = Night()
    landing: Arrival = Arrival()
    blinding: Blinding = Blinding()
    privacy: Privacy = Privacy()
    queries: QueryLife = QueryLife()
    retention: Retention = Retention()
    randomisation: Randomisation = Randomisation()
    report: Disclosure = Disclosure()
    recruitment: Recruitment = Recruitment()
    eligibility: tuple[Eligible, ...] = ()
    checks: Mapping[str, Check] = Field(default_factory=dict)  # rules in the trial's own words
    arms: tuple[Arm, ...] = Field(min_length=2)
    sites: tuple[Site, ...] = ()
    visits: tuple[Visit, ...] = Field(min_length=2)
    out_of_window: Literal["keep", "leave out"] = "keep"  # a dated follow-up that no window holds
    strata: tuple[str, ...] = ()
    forms: Mapping[str, Form]
    dates_in_order: tuple[tuple[str, str], ...] = ()  # pairs of form.column
    unblinding_words: tuple[str, ...] = ()
    events: Mapping[str, Event] = Field(default_factory=dict)
    outcomes: Mapping[str, Outcome]
    moderators: Mapping[str, Moderator] = Field(default_factory=dict)
    populations: Mapping[str, Population]
    primary_estimand: str
    estimands: Mapping[str, Estimand]
    analyses: Mapping[str, Analysis]
    families: Mapping[str, Family] = Field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()  # from the plan, as people have declared them
    instruments: Mapping[str, Instrument] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_sections(cls, raw: object) -> object:
        for section in SECTIONS:
            raw = _with_names(raw, section)
        return raw

    @property
    def reference_arm(self) -> Arm:
        """Return the arm others are compared with."""
        return next(arm for arm in self.arms if arm.reference)

    @property
    def compared_arms(self) -> tuple[Arm, ...]:
        """Return the arms that are compared with the reference, in the file's order."""
        return tuple(arm for arm in self.arms if not arm.reference)

    @property
    def ordered_arms(self) -> tuple[Arm, ...]:
        """Return the arms, the reference arm first."""
        return (self.reference_arm, *self.compared_arms)

    @property
    def arms_and_all(self) -> tuple[str, ...]:
        """Return the arms' codes, the reference arm first, and "" for all of them together."""
        return (*(arm.code for arm in self.ordered_arms), "")

    @property
    def baseline_visit(self) -> Visit:
        """Return the visit before randomisation."""
        return next(visit for visit in self.visits if visit.baseline)

    @property
    def follow_ups(self) -> tuple[Visit, ...]:
        """Return the visits after randomisation, in the file's order."""
        return tuple(visit for visit in self.visits if not visit.baseline)

    @property
    def primary(self) -> Estimand:
        """Return the primary estimand."""
        return self.estimands[self.primary_estimand]

    @property
    def primary_analysis(self) -> Analysis:
        """Return the analysis whose role is primary."""
        return next(a for a in self.analyses.values() if a.role == "primary")

    def forms_of(self, kind: FormKind) -> tuple[Form, ...]:
        """Return the forms of a kind, in the file's order."""
        return tuple(form for form in self.forms.values() if form.kind == kind)

    def columns_of(self, form: Form) -> Mapping[str, Column]:
        """Return the form's columns with those of its instruments' items, in order."""
        items = {c.name: c for name in form.instruments for c in self.item_columns(form, name)}
        return {**form.columns, **items}

    def item_columns(self, form: Form, instrument: str) -> tuple[Column, ...]:
        """Return a column per item of an instrument, named `<instrument>_<number>`."""
        use, declared = form.instruments[instrument], self.instruments[instrument]
        return tuple(
            Column(
                name=f"{instrument}_{item}",
                type="integer",
                source=f"{use.prefix}{item}",
                label=f"{declared.title}, item {item}",
                range=declared.answer_range(item),
                labels={str(int(a)): declared.answer_labels.get(str(int(a)), str(int(a)))
                        for a in declared.legal_answers(item)},
                missing=use.missing,
            )
            for item in range(1, declared.n_items + 1)
        )  # fmt: skip


def _with_names(raw: object, section: str) -> object:
    """Give each table of a section its own key as `name`."""
    if not isinstance(raw, dict) or not isinstance(raw.get(section), dict):
        return raw
    named = {k: {"name": k, **v} if isinstance(v, dict) else v for k, v in raw[section].items()}
    return {**raw, section: named}
