"""Between the true forms and what may be stored in the open. Not here: shuffling (data_contracts.blinding).

While a trial is blinded the true forms lie in a store of their own; they are put in place in memory where the
data are judged, and taken out again before anything is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assets.carried import allocation_of, carried
from assets.ports import Place
from data_contracts.errors import Problem, StorageError
from data_contracts.spec import Trial
from data_contracts.tables import Tables

if TYPE_CHECKING:
    from data_contracts.forms import ReadForm
    from data_contracts.rules import Rule, Verdict

FORMS, VERDICT = "raw", "verdict"  # tables held apart
SHUFFLE, PSEUDONYMS = "shuffle", "pseudonyms"  # what the trial's key is for


def at_the_door(forms: "Mapping[str, ReadForm]", trial: Trial, place: Place) -> "Mapping[str, ReadForm]":
    """Return the forms as anything but custody may know them: with pseudonyms, where the trial says so."""
    if not trial.privacy.pseudonyms:
        return forms
    from data_contracts.privacy import pseudonymised

    return pseudonymised(forms, place.secret(trial.name, PSEUDONYMS))


def in_the_open(
    forms: "Mapping[str, ReadForm]", trial: Trial, place: Place, facts: Mapping[str, Any]
) -> "Mapping[str, ReadForm]":
    """Return the forms as they may be stored; of a blinded trial, once the true ones are stored apart."""
    if allocation_of(facts) == "true":
        return forms
    from data_contracts.blinding import blinded, forms_held_apart
    from data_contracts.readers.store import forms_to_tables

    apart = {name: forms[name] for name in sorted(forms_held_apart(trial)) if name in forms}
    tables = forms_to_tables(apart)
    place.hold_apart(trial.name, FORMS, Tables(tables.frames, {**tables.facts, **carried(facts)}))
    return blinded(forms, trial, place.secret(trial.name, SHUFFLE)).forms


def true_forms(
    forms: "Mapping[str, ReadForm]", trial: Trial, place: Place, facts: Mapping[str, Any]
) -> "Mapping[str, ReadForm]":
    """Return the forms with the true ones among them, for judging alone.

    Raises:
        StorageError: what is held apart is of other data.
    """
    if allocation_of(facts) == "true":
        return forms
    from data_contracts.readers.store import forms_from_tables

    apart = place.held_apart(trial.name, FORMS)
    if carried(apart.facts) != carried(facts):
        problem = Problem(f"allocation/{trial.name}", "other data than those read", "the same", "Run again.")
        raise StorageError(f"What is held apart of {trial.name} is of another run.", [problem])
    return {**forms, **forms_from_tables(apart)}


def known_as(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the hashes the query book knows a night by: unblinded, the same data ask other questions."""
    hashes = {name: str(facts[name]) for name in ("data_hash", "plan_hash", "code_version")}
    shuffled = "" if allocation_of(facts) == "true" else "-shuffled"
    return {**hashes, "code_version": hashes["code_version"] + shuffled}


def rules_in_the_open(rules: "Iterable[Rule]", trial: Trial, facts: Mapping[str, Any]) -> "tuple[Rule, ...]":
    """Return the rules, marked where blinded people may not be told which records break them."""
    from data_contracts.blinded_verdict import with_marks

    return with_marks(rules, trial, blinded=allocation_of(facts) != "true")


def verdict_in_the_open(
    verdict: "Verdict",
    forms: "Mapping[str, ReadForm]",
    trial: Trial,
    place: Place,
    facts: Mapping[str, Any],
) -> "Verdict":
    """Return the verdict as it may be stored; of a blinded trial, once the full listings are stored apart."""
    if allocation_of(facts) == "true":
        return verdict
    from data_contracts import blinded_verdict as shown
    from data_contracts.blinding import blinded

    full = {"quarantine": verdict.quarantine, "queries": verdict.queries}
    place.hold_apart(trial.name, VERDICT, Tables(full, carried(facts)))
    blind = blinded(forms, trial, place.secret(trial.name, SHUFFLE))
    return replace(
        verdict,
        accepted=shown.accepted_in_the_open(verdict.accepted, blind),
        quarantine=shown.quarantine_in_the_open(verdict, trial),
        queries=shown.queries_in_the_open(verdict, trial),
    )
