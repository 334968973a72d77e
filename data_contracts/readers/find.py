"""Which landing file belongs to which form. Not here: opening them."""

from pathlib import Path, PurePosixPath

from data_contracts.errors import Problem, ReadError
from data_contracts.spec import Form, Trial


def find_sources(landing: Path, trial: Trial) -> dict[str, Path]:
    """Return each form's file; optional forms without a file are left out.

    Raises:
        ReadError: the folder is empty, or forms have no file or several; all of them are listed.
    """
    sources, problems = match_sources(landing, trial)
    if problems:
        raise ReadError(f"Not every form of {trial.name} has its file.", problems)
    return sources


def match_sources(landing: Path, trial: Trial) -> tuple[dict[str, Path], list[Problem]]:
    """Return each form's file, and the forms that have none or several.

    Raises:
        ReadError: there is no file at all in the landing folder.
    """
    names = _names_below(landing)
    if not names:
        raise _empty_folder(trial)
    sources, problems = dict[str, Path](), []
    for form in trial.forms.values():
        matching = [name for name in names if _matches(name, form.file)]
        if len(matching) == 1:
            sources[form.name] = landing / matching[0]
        elif matching or form.required:
            problems.append(_not_one_file(trial, form, matching))
    return sources, problems


def _names_below(landing: Path) -> list[str]:
    """Return the files' names relative to the folder; hidden files and Office's lock files are none."""
    files = (path.relative_to(landing) for path in landing.rglob("*") if path.is_file())
    return sorted(
        file.as_posix() for file in files if not any(part.startswith((".", "~$")) for part in file.parts)
    )


def _matches(name: str, pattern: str) -> bool:
    # Regardless of case: SPSS on Windows writes .SAV and .sav alike.
    path, wanted = PurePosixPath(name.casefold()), PurePosixPath(pattern.casefold())
    return len(path.parts) == len(wanted.parts) and path.match(str(wanted))


def _not_one_file(trial: Trial, form: Form, matching: list[str]) -> Problem:
    where = f"landing/{trial.name}, form {form.name}"
    if not matching:
        return Problem(where, f"no file {form.file}", "one", "Put the export there.")
    found = f"{len(matching)} files that match {form.file} ({', '.join(matching)})"
    return Problem(where, found, "one", "Move all but the newest export out of the folder.")


def _empty_folder(trial: Trial) -> ReadError:
    expected = ", ".join(form.file for form in trial.forms.values() if form.required)
    remedy = (
        f"`srt simulate {trial.name}` writes its synthetic exports."
        if trial.synthetic
        else "Put the exports there (`srt example` writes those of a shipped example)."
    )
    problem = Problem(f"landing/{trial.name}", "no files", expected, remedy)
    return ReadError(f"The landing folder of {trial.name} is empty.", [problem])
