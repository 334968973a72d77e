"""The files of a trial's report: put in place together, those of before taken away. Not here: making them (assets)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from data_contracts.errors import Problem, StorageError
from data_contracts.standing import SHUFFLED, said_in_name
from data_contracts.writers.atomic import write_atomically
from data_contracts.writers.together import ASIDE, remove_files, write_together
from pipelines.rights import only_mine, private_folder

PRIVATE = "data"  # holds participants' data: for the owner alone, whatever SRT_UMASK says
LIST = ".files.json"  # the paths of the files of the last run; there only while all of them are one run's
KNOWN = ".files.known.json"  # while files are exchanged: every path that may hold a file of any run
UNREAD = "Give yourself the right to read it; if it is no file, move it away and run again."
NAMED = {  # what `srt run --json` tells of beside the report, by its key
    "report_word": "report.docx",
    "results_csv": "results.csv",
    "results_parquet": "results.parquet",
    "checklist_csv": "checklist.csv",
    "analysis_set_sav": f"{PRIVATE}/analysis_set.sav",
    "analysis_set_csv": f"{PRIVATE}/analysis_set.csv",
    "data_dictionary_csv": f"{PRIVATE}/data_dictionary.csv",
    "open_report": "open/report-open.html",
    "open_report_word": "open/report-open.docx",
}


def publish(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a run's files in place of the last run's, and take away what of those no longer is.

    Args:
        folder: The trial's folder of reports.
        files: Contents by path relative to it, the page people open first last.

    Raises:
        StorageError: they can't be written, or the list of the old ones can't be read; unless that was while they were
            exchanged, the old ones are all there.
    """
    # A file of the other allocation beside one of this would be taken for it.
    known = {*_known(folder), *files, *_otherwise_named(files)}
    for name in {Path(name).parts[0] for name in files if is_private(name)}:
        private_folder(folder / name)
    write_atomically(folder / KNOWN, _as_list(known))
    write_together(folder, {**files, LIST: _as_list(files)}, _rights)
    remove_files(folder, known - set(files))
    remove_files(folder, {KNOWN})  # last: until then, whoever comes after a kill finds them all


def is_private(name: str) -> bool:
    """Return whether a file of the report holds participants' data."""
    return Path(name).parts[0] == PRIVATE


def listed(folder: Path, where: str = LIST) -> list[str]:
    """Return the paths of the last run's files, relative to the folder; none where no list is, or a broken one.

    Raises:
        OSError: there is one, and it can't be read.
    """
    try:
        names = json.loads((folder / where).read_bytes())
    except (FileNotFoundError, ValueError):
        return []
    return [str(name) for name in names if _is_below(str(name))] if isinstance(names, list) else []


def is_whole(folder: Path) -> bool:
    """Return whether every file of the last run is there, and none of another run's beside them.

    A folder that can't be read is not whole: whoever asks has an error of its own to tell, or a run to make.
    """
    try:
        names = listed(folder)
        others = set(listed(folder, KNOWN)) - set(names)
        there = bool(names) and all((folder / name).is_file() for name in names)
        mixed = (folder / ASIDE).exists() or any((folder / name).is_file() for name in others)
    except OSError:
        return False
    return there and not mixed


def was_cut_short(folder: Path) -> bool:
    """Return whether a run has begun to exchange the files and has not come to the end, so that they may be mixed."""
    return not is_whole(folder) and any((folder / name).exists() for name in (KNOWN, ASIDE))


def published_path(folder: Path, name: str) -> Path:
    """Return where a file of the report is, by its name without a word on the allocation.

    Both names are there only after a run that was killed in the middle: then the newer file is the one.
    """
    plain, shuffled = folder / name, folder / said_in_name(name, SHUFFLED)
    return max((plain, shuffled), key=_written_at)


def named_files(folder: Path) -> dict[str, Path | None]:
    """Return where the files beside the report are, by what `srt run --json` calls them; None for one not there."""
    paths = {key: published_path(folder, name) for key, name in NAMED.items()}
    return {key: path if path.is_file() else None for key, path in paths.items()}


def _known(folder: Path) -> set[str]:
    try:
        return {*listed(folder), *listed(folder, KNOWN)}
    except OSError as error:
        found = error.strerror or type(error).__name__
        problem = Problem(str(error.filename or folder), found, "the list of the last run's files", UNREAD)
        raise StorageError(f"{folder.name}: what the last run wrote can't be told.", [problem]) from error


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _otherwise_named(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what the same files are called under the other allocation; of the open report, only one name is."""
    for name in files:
        plain = name.replace(f"-{SHUFFLED.upper()}.", ".")
        yield said_in_name(plain, SHUFFLED) if plain == name else plain


def _is_below(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts


def _as_list(names: Iterable[str]) -> bytes:
    return json.dumps(sorted(names), indent=1).encode()


def _rights(name: str) -> AbstractContextManager[None]:
    return only_mine() if is_private(name) else nullcontext()
