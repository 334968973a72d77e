"""Columns that tell who somebody is, found by their names, labels and contents, and kept out. Not here: ids.

A guess by words: it is there for the export that should not have held them, and can't find a name in a column
called `v17`. The words are those of exports in English, French, German, Italian, Portuguese, Spanish, Dutch,
the Nordic languages and Polish.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace

from data_contracts.errors import Problem
from data_contracts.readers.raw import RawColumn, RawTable, TextCells, fold, may_hold
from data_contracts.spec import Form, Trial

WORDS: Mapping[str, str] = {  # kind -> what a name holds, word after word, spelt without accents
    "a name": """first name, firstname, fname, forename, forenames, given name, givenname, middle name, last name,
        lastname, lname, surname, sname, family name, familyname, full name, fullname, maiden name, patient name,
        pt name, ptname, participant name, subject name, client name,
        prenom, prenoms, nom de famille, nom de naissance, nom patient,
        vorname, nachname, familienname, geburtsname, patientenname, cognome, apellido, apellidos, nombres,
        sobrenome, apelido, nome completo, nombre completo, voornaam, achternaam, tussenvoegsel, fornavn, etternavn,
        efternavn, fornamn, efternamn, imie, nazwisko, initials, initialen, iniciales, initiales""",
    "a date of birth": """date of birth, dateofbirth, birth date, birthdate, birth day, birthday, dob, date birth,
        date de naissance, date naissance, datenaissance, ddn, geburtsdatum, geburtstag, gebdat, gebdatum, geb datum,
        data di nascita, data nascita, fecha de nacimiento, fecha nacimiento, fechanacimiento, fecha nac,
        data de nascimento, data nascimento, geboortedatum, fodselsdato, fodselsdag, fodelsedatum, data urodzenia""",
    "a national or health number": """nhs number, nhs no, nhsnumber, nhsno, nhs, chi number, hospital number,
        hospital no, mrn, medical record number, national insurance, nino, ssn, social security, social security
        number, numero de securite sociale, securite sociale, nir, sozialversicherungsnummer, krankenversichertennummer,
        codice fiscale, codicefiscale, dni, nif, cpf, bsn, burgerservicenummer, personnummer, personnr,
        fodselsnummer, cpr, cprnr, pesel, passport, passport number""",
    "an e-mail address": "email, e mail, mail address, email address, courriel, correo electronico, posta elettronica",
    "a telephone number": """phone, telephone, tel, tel no, mobile, mobile phone, mobile number, phone number,
        cell phone, cellphone, telefon, telefonnummer, handynummer, handy, telefono, telefone, telemovel, movil,
        telefoon, telefoonnummer, telefonnr, numero de telephone, portable""",
    "an address": """address, address line, postal address, home address, street, street address, house number,
        adresse, anschrift, strasse, hausnummer, rue, indirizzo, direccion, domicilio, endereco, adres, straat""",
    "a postcode": """postcode, post code, postal code, zip, zip code, zipcode, code postal, codepostal, plz,
        postleitzahl, codigo postal, cap, cep, postnummer, kod pocztowy""",
}
# Common inside other names (`drug_name`, `mobile_app`): a column is personal when it is called just this.
WHOLE_ONLY = frozenset(
    """adres bsn cap cep cpf cpr dni handy initials mail mobile mrn nhs nif nir phone portable rue street tel
    telephone zip""".split()  # noqa: SIM905  read as words
)
ALONE = ("name", "names", "nom", "nome", "nombre", "naam", "navn", "namn")
EMAIL = r"^\s*[^@\s]+@[^@\s]+\.[^@\s.]{2,}\s*$"
OF_WHOM = ("patient", "participant", "subject", "client", "pt", "the", "of", "s")


def at_the_door(table: RawTable, form: Form, trial: Trial, where: str) -> tuple[RawTable, list[Problem]]:
    """Return the table without the columns that are declared to be dropped, and what else is personal in it."""
    dropped = {fold(name) for name in form.drop} & set(table.columns)
    kept = {key: column for key, column in table.columns.items() if key not in dropped}
    note = f"{len(dropped)} of the columns declared personal were dropped, unread." if form.drop else ""
    left = replace(table, columns=kept, notes=(*table.notes, note) if note else table.notes)
    return left, list(_problems(left, form, trial, where))


def _problems(table: RawTable, form: Form, trial: Trial, where: str) -> Iterator[Problem]:
    """Yield a problem for each column that tells who somebody is, without a value of it."""
    excused = {name.split(".")[1] for name in trial.privacy.not_personal if name.startswith(f"{form.name}.")}
    declared = {fold(column.in_file): column.name for column in trial.columns_of(form).values()}
    for key, column in table.columns.items():
        name = declared.get(key, key)
        if not {name, key} & excused and (kind := kind_of(column)):
            remedy = (
                f'Have it left out of the export, or name it in `drop = ["{column.name}"]` of forms.{form.name}: '
                f"it is then never stored. If it tells nobody, put {form.name}.{_plain(name)} into "
                "`not_personal` of [privacy]."
            )
            yield Problem(
                where, f"a column {column.name} that looks like {kind}", "no personal columns", remedy
            )


def kind_of(column: RawColumn) -> str:
    """Return what of a person a column seems to hold; "" when nothing."""
    return kind_of_name(column.name) or kind_of_label(column.label) or _kind_of_cells(column)


def kind_of_name(name: str) -> str:
    """Return what of a person a column's name says it holds; "" when nothing."""
    words = words_of(name)
    if " ".join(words) in ALONE:
        return "a name"
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length + 1):
            phrase = " ".join(words[start : start + length])
            if phrase in PHRASES and (length == len(words) or phrase not in WHOLE_ONLY):
                return PHRASES[phrase]
    return ""


def kind_of_label(label: str) -> str:
    """Return what of a person a label names; a longer sentence, as of a questionnaire, names nothing."""
    words = [word for word in words_of(label) if word not in OF_WHOM]
    plain = " ".join(words_of(label))
    return PHRASES.get(plain) or PHRASES.get(" ".join(words), "") if len(words) <= 4 else ""


def words_of(text: str) -> list[str]:
    """Return the words of a name in small letters without accents and digits: `PtDOB_1` is pt, dob."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O"))
    plain = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode().casefold()
    return re.findall(r"[a-z]+", plain)


def _kind_of_cells(column: RawColumn) -> str:
    """Return "an e-mail address" where a cell is one."""
    if not isinstance(column.cells, TextCells) or not may_hold(column.cells.array, "@"):
        return ""
    import pyarrow.compute as pc

    texts = column.cells.array
    with_sign = texts.filter(pc.match_substring(texts, "@"))
    if len(with_sign) and pc.any(pc.match_substring_regex(with_sign, EMAIL)).as_py():
        return "an e-mail address"
    return ""


def _plain(name: str) -> str:
    """Return a name as `not_personal` can hold it."""
    return re.sub(r"[^a-z0-9_]", "_", name.casefold())


PHRASES: Mapping[str, str] = {
    " ".join(phrase.split()): kind for kind, phrases in WORDS.items() for phrase in phrases.split(",")
}
