"""Who a participant is: pseudonyms, and columns that tell names, births and addresses."""

import stat
from datetime import UTC, datetime

import pandas as pd
import pytest

from data_contracts import privacy
from data_contracts.errors import ReadError, StorageError
from data_contracts.forms import ReadForm, SourceFile
from data_contracts.load import SHIPPED_TRIALS, load_trial, trial_files
from data_contracts.operations import Privacy
from data_contracts.privacy import pseudonym, pseudonymised
from data_contracts.readers.personal import at_the_door, kind_of_label, kind_of_name
from data_contracts.readers.raw import RawColumn, RawTable, fold, text_cells
from pipelines import audit
from pipelines.home import Home
from pipelines.keys import secret_key

KEY = b"k" * 32
SOURCE = SourceFile("f.csv", "0", 0, datetime(2026, 1, 1, tzinfo=UTC))
DEMO = load_trial(SHIPPED_TRIALS / "demo.toml")


def form(name, *participants, unreadable=()):
    values = pd.DataFrame({"participant": pd.Series(list(participants), dtype="str")})
    values.index = pd.RangeIndex(1, len(values) + 1, name="row")
    cells = pd.DataFrame(list(unreadable), columns=["row", "column", "found", "expected"])
    return ReadForm(name, values, values.isna().astype("str"), cells, SOURCE)


def test_an_identifier_has_one_pseudonym_in_all_forms():
    """Records must still belong together."""
    forms = pseudonymised({"a": form("a", "P1", "P2", None), "b": form("b", "P2", "P2")}, KEY)
    a, b = (forms[name].values["participant"] for name in "ab")
    assert b.tolist() == [a.iloc[1]] * 2
    assert a.isna().tolist() == [False, False, True], "who is not named has no pseudonym either"
    assert a.iloc[0] != a.iloc[1]


def test_a_pseudonym_is_twelve_plain_characters_and_needs_the_key():
    """Ids are short and guessable: without a key anybody could try them all."""
    assert pseudonym("P1", KEY) == pseudonym("P1", KEY) != pseudonym("P1", b"o" * 32)
    assert len(pseudonym("P1", KEY)) == 12
    assert set(pseudonym("P1", KEY)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def test_spaces_and_composed_letters_make_no_other_participant():
    """As the readers have it, so must the data manager who asks for one pseudonym."""
    assert pseudonym(" Zo\u00eb1 ", KEY) == pseudonym("Zoe\u03081", KEY)
    assert pseudonym("p1", KEY) != pseudonym("P1", KEY), "case is the identifier's own"


def test_two_identifiers_with_one_pseudonym_are_refused(monkeypatch):
    """Two people would become one."""
    monkeypatch.setattr(privacy, "pseudonym", lambda one, _key: one[0])
    with pytest.raises(ReadError, match="can't be replaced") as caught:
        pseudonymised({"a": form("a", "P1", "P2")}, KEY)
    assert "P1" not in str(caught.value)


def test_an_identifier_that_could_not_be_read_is_not_shown():
    """The listing of unreadable cells shows what was found."""
    odd = [(1, "participant", "ANNA", "a number"), (1, "age", "x", "a number")]
    cells = pseudonymised({"a": form("a", "P1", unreadable=odd)}, KEY)["a"].unreadable
    assert cells["found"].tolist() == ["an identifier", "x"]


def test_a_key_is_made_once_for_its_owner_alone_and_a_lost_one_is_not_made_again(tmp_path):
    """With another key every pseudonym would change, and no record would be found again."""
    home = Home(tmp_path)
    first = secret_key(home, "demo", "pseudonyms")
    path = home.keys / "demo.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_key(home, "demo", "pseudonyms") == first
    assert secret_key(home, "demo", "shuffle") != first
    assert secret_key(home, "other", "pseudonyms") != first
    assert [entry.what for entry in audit.listed(home, "demo")] == ["key created"]
    assert path.read_text() not in (home.audit / "audit.jsonl").read_text()
    path.unlink()
    with pytest.raises(StorageError, match="gone"):
        secret_key(home, "demo", "pseudonyms")
    path.write_text("short")
    with pytest.raises(StorageError, match="damaged"):
        secret_key(home, "demo", "pseudonyms")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NAME", "a name"), ("Surname", "a name"), ("pt_first_name", "a name"), ("lastName", "a name"),
        ("Nachname", "a name"), ("prénom", "a name"), ("apellido1", "a name"), ("fødselsdato", "a date of birth"),
        ("DOB", "a date of birth"), ("q1_date_of_birth", "a date of birth"), ("BirthDate", "a date of birth"),
        ("geb_datum", "a date of birth"), ("date_naissance", "a date of birth"),
        ("NHS_number", "a national or health number"), ("nhsno", "a national or health number"),
        ("ssn", "a national or health number"), ("codice_fiscale", "a national or health number"),
        ("email", "an e-mail address"), ("E-Mail", "an e-mail address"), ("contact_email_1", "an e-mail address"),
        ("phone", "a telephone number"), ("mobile_number", "a telephone number"), ("tel", "a telephone number"),
        ("home_address", "an address"), ("Straße", "an address"), ("postcode", "a postcode"), ("zip", "a postcode"),
    ],
)  # fmt: skip
def test_names_of_personal_columns_are_known(name, kind):
    """As exports in several languages spell them."""
    assert kind_of_name(name) == kind


@pytest.mark.parametrize(
    "name",
    [
        "pid", "participant", "site", "drug_name", "visit", "age", "birth_weight", "mobile_app_use", "telomere",
        "capacity", "cap_score", "zip_line", "street_drugs", "named", "phq9_1", "handedness", "nationality",
        "initial_dose", "rue_scale", "tel_visit", "dobutamine", "name_of_scale", "year_of_birth",
    ],
)  # fmt: skip
def test_names_that_only_resemble_them_are_let_pass(name):
    """A trial is not to be stopped for a scale of handedness."""
    assert kind_of_name(name) == ""


def test_labels_name_personal_columns_and_questions_do_not():
    """`v17` may be labelled; an item may ask after the telephone."""
    assert kind_of_label("Date of birth") == "a date of birth"
    assert kind_of_label("Participant's surname") == "a name"
    assert kind_of_label("Can you use the telephone to call a friend?") == ""
    assert kind_of_label("") == ""


def table(**columns):
    raws = {fold(name): RawColumn(name, text_cells(cells)) for name, cells in columns.items()}
    return RawTable(len(next(iter(columns.values()))), raws)


def test_a_personal_column_is_refused_with_what_to_do_and_without_a_value():
    """It must not be stored, and nobody is to read it in the message."""
    sent = table(pid=["P1"], SURNAME=["Example"], note=["x@example.org"])
    _, problems = at_the_door(sent, DEMO.forms["sessions"], DEMO, "landing/x.csv")
    assert [problem.found.split()[2] for problem in problems] == ["SURNAME", "note"]
    assert 'drop = ["SURNAME"]' in problems[0].remedy
    assert "Example" not in str(problems)
    assert "example.org" not in str(problems)


def test_what_is_declared_to_be_dropped_is_gone_and_counted():
    """Declared, it may be delivered; it is never read further."""
    dropping = DEMO.forms["sessions"].model_copy(update={"drop": ("Surname", "DOB")})
    left, problems = at_the_door(table(pid=["P1"], SURNAME=["E"], dob=["1"]), dropping, DEMO, "x")
    assert problems == []
    assert list(left.columns) == ["pid"]
    assert left.notes == ("2 of the columns declared personal were dropped, unread.",)


def test_what_is_declared_not_personal_is_let_in():
    """A guess by words can be wrong; the plan has the last word."""
    excused = DEMO.model_copy(update={"privacy": Privacy(not_personal=("sessions.street",))})
    _, problems = at_the_door(table(pid=["P1"], Street=["speed"]), DEMO.forms["sessions"], excused, "x")
    assert problems == []


@pytest.mark.parametrize("name", sorted(trial_files()))
def test_no_declared_column_of_a_shipped_trial_looks_personal(name):
    """They must run as they are."""
    trial = load_trial(trial_files()[name])
    for one in trial.forms.values():
        for column in trial.columns_of(one).values():
            assert kind_of_name(column.in_file) == "", column.in_file
            assert kind_of_label(column.label) == "", column.label


def test_the_door_is_used_by_the_readers(tmp_path):
    """A check that nobody calls protects nobody."""
    from data_contracts.readers.trial import read_received
    from data_contracts.readers.vouched import Received

    path = tmp_path / "sessions.csv"
    path.write_text("pid,session_no,held_on,therapist_id,minutes,SURNAME\nP1,1,2024-01-01,T1,50,Example\n")
    received = Received(path, "sessions.csv", datetime(2026, 1, 1, tzinfo=UTC), None)
    with pytest.raises(ReadError) as caught:
        read_received({"sessions": received}, DEMO)
    assert "looks like a name" in str(caught.value)
    forms = {**DEMO.forms, "sessions": DEMO.forms["sessions"].model_copy(update={"drop": ("SURNAME",)})}
    (read,) = read_received({"sessions": received}, DEMO.model_copy(update={"forms": forms})).values()
    assert "SURNAME" not in (*read.unknown_columns, *read.values.columns)
    assert read.notes[0].startswith("1 of the columns")
