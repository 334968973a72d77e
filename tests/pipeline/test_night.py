"""A trial's run, from its landing folder to its report, and what bad data, locks and kills do to it.

A small trial of three CSV files runs through the real hops. The rules are the real ones; they are judged here by
a stand-in for Great Expectations, whose import alone would cost more than all these tests.
"""

import errno
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from data_contracts.errors import (
    BusyError,
    ContractError,
    EstimationError,
    PlanError,
    ReadError,
    StorageError,
)
from data_contracts.writers import together
from pipelines import locks, run, store
from pipelines.change_log import read_changes
from pipelines.cli import summary as cli_summary
from pipelines.definitions import build
from pipelines.home import Home
from pipelines.news import is_quiet
from pipelines.published import NAMED
from pipelines.resources import TrialPlace, change_log
from pipelines.trials import load_named

ROOT = Path(__file__).parents[2]
HOPS = ["landing", "raw", "checked", "analysis_set", "results", "report"]
TRIAL = """
title = "A small trial"
description = "Two arms, two visits, for tests."
plan_version = "1"
seed = 7
primary_estimand = "effect"

[blinding]
open_because = "invented for a test"

[landing]
settle_seconds = 0

[[arms]]
code = "UC"
label = "Usual care"
reference = true

[[arms]]
code = "SRT"
label = "Therapy and usual care"
therapy = true

[[visits]]
code = "base"
label = "Baseline"
month = 0
baseline = true

[[visits]]
code = "m6"
label = "6 months"
month = 6

[[visits]]
code = "m12"
label = "12 months"
month = 12

[forms.participants]
label = "Participants"
kind = "participants"
file = "participants.csv"
format = "csv"
key = ["participant"]
[forms.participants.columns]
participant = { type = "text", required = true, severity = "critical" }

[forms.allocation]
label = "Allocation"
kind = "allocation"
file = "allocation.csv"
format = "csv"
key = ["participant"]
[forms.allocation.columns]
participant = { type = "text", required = true, severity = "critical" }
arm = { type = "text", required = true, severity = "critical" }

[forms.scores]
label = "Scores"
kind = "visits"
file = "scores.csv"
format = "csv"
key = ["participant", "visit"]
[forms.scores.columns]
participant = { type = "text", required = true, severity = "critical" }
visit = { type = "text", required = true, severity = "critical" }
score = { type = "number", range = [-50, 150] }

[outcomes.score]
label = "Score"
form = "scores"
column = "score"
better = "higher"

[populations.randomised]
label = "All randomised"

[estimands.effect]
label = "Score at 12 months"
clause = "SAP 1"
treatment = "therapy against usual care"
population = "randomised"
outcome = "score"
visit = "m12"
summary = "difference in means"
intercurrent_events = [{ event = "stopping", strategy = "treatment policy" }]

[analyses.primary]
label = "Mixed-effects model"
estimand = "effect"
estimator = "lmm"
role = "primary"
"""


def write_exports(landing, effect=5.0, one_arm=False):
    landing.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    people = [f"Person-{i:02d}" for i in range(40)]
    arms = {p: "UC" if i % 2 or one_arm else "SRT" for i, p in enumerate(people)}
    scores = ["participant,visit,score"]
    for person in people:
        own = rng.gauss(50, 8)
        for visit in ("base", "m6", "m12"):
            gain = effect if arms[person] == "SRT" and visit != "base" else 0
            scores.append(f"{person},{visit},{own + gain + rng.gauss(0, 4):.2f}")
    (landing / "participants.csv").write_text("participant\n" + "\n".join(people) + "\n")
    (landing / "allocation.csv").write_text(
        "participant,arm\n" + "".join(f"{p},{a}\n" for p, a in arms.items())
    )
    (landing / "scores.csv").write_text("\n".join(scores) + "\n")


@pytest.fixture
def home(tmp_path, monkeypatch, judge):
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "small.toml").write_text(TRIAL)
    monkeypatch.setenv("SRT_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home")
    write_exports(home.landing("small"))
    return home


def facts(home, hop):
    return store.read_facts(home.store("small", hop))


def files_of(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_run_ends_with_the_summary_and_tells_of_each_hop(home):
    """The command line prints nothing but this."""
    heard = []
    summary = run.run_trial("small", on_hop=heard.append)
    told = json.loads(json.dumps(summary.as_json(), allow_nan=False))
    assert list(told) == [
        "trial", "run_id", "status", "primary", "forms", "queries", "report", "validation_report", "allocation",
        "lock", "standing_report", *NAMED,
    ]  # fmt: skip
    assert (told["trial"], told["status"], told["primary"]["contrast"]) == ("small", "success", "SRT - UC")
    assert told["primary"]["lower"] < told["primary"]["estimate"] < told["primary"]["upper"]
    assert told["forms"][2] == {"form": "scores", "rows_in": 120, "accepted": 120, "quarantined": 0}
    assert set(told["queries"]) == {
        "total", "open", "critical", "warning", "info", "new", "resolved", "overdue",
    }  # fmt: skip
    assert Path(told["report"]).exists()
    assert Path(told["validation_report"]).exists()
    assert all(Path(told[name]).is_file() for name in NAMED)
    assert [(e.hop, e.state) for e in heard] == [
        (hop, state) for hop in HOPS for state in ("started", "done")
    ]
    assert {e.hop: e.counts for e in heard}["checked"]["accepted"] == 200


def test_a_run_is_in_dagsters_record_where_the_failure_sensor_looks(home):
    """Runs from the command line must be seen in the pages, and their failures told."""
    summary = run.run_trial("small")
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        record = instance.get_run_by_id(summary.run_id)
        materialised = instance.get_latest_materialization_event(dg.AssetKey(["small", "report"]))
    assert record.status is dg.DagsterRunStatus.SUCCESS
    assert record.remote_job_origin.location_name == "srt-trials"
    assert materialised.run_id == summary.run_id


def test_no_value_of_a_participant_is_in_dagsters_record(home):
    """The pages have no login."""
    summary = run.run_trial("small")
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        events = " ".join(str(e) for e in instance.all_logs(summary.run_id))
    assert "Person-07" not in events
    some_score = (home.landing("small") / "scores.csv").read_text().splitlines()[20].split(",")[2]
    assert some_score not in events


def test_an_unchanged_night_only_takes_receipt(home, judge):
    """Most nights bring nothing: they must cost little and still be seen to have happened."""
    first = run.run_trial("small")
    before = files_of(home.root / "store" / "small" / "results")
    heard = []
    second = run.run_trial("small", force=False, on_hop=heard.append)
    assert (second.status, second.primary) == ("unchanged", first.primary)
    assert judge.asked == 1
    assert {e.hop: e.state for e in heard} == {"landing": "done"}
    assert files_of(home.root / "store" / "small" / "results") == before
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        receipt = instance.get_latest_materialization_event(
            dg.AssetKey(["small", "landing"])
        ).asset_materialization
        planned, made = (
            [log.asset_check_key.name for log in events_of(instance, second.run_id, kind)]
            for kind in ("ASSET_CHECK_EVALUATION_PLANNED", "ASSET_CHECK_EVALUATION")
        )
    assert receipt.metadata["news"].value == "unchanged"
    assert planned == made == ["new_data_came"], "a check planned and not made shows as unknown in the pages"


def events_of(instance, run_id, kind):
    logs = instance.all_logs(run_id, of_type=dg.DagsterEventType[kind])
    return [log.dagster_event.event_specific_data for log in logs]


def test_the_schedule_plans_the_receipt_alone_on_a_quiet_night_and_all_hops_on_others(home, judge):
    """Hops that would only be skipped must not be planned: their checks would show as unknown by morning."""
    run.run_trial("small")
    night = build([load_named("small")], {}).resolve_schedule_def("small_nightly")
    assert asked_for(night) == {dg.AssetKey(["small", "landing"])}
    write_exports(home.landing("small"), effect=9.0)
    assert asked_for(night) is None, "no selection is the whole job"


def asked_for(schedule):
    with dg.instance_for_test() as instance, dg.build_schedule_context(instance) as context:
        (request,) = schedule.evaluate_tick(context).run_requests
    return set(request.asset_selection) if request.asset_selection else None


def test_new_data_and_a_lost_report_are_news(home, judge):
    """Unchanged means that what is published is what would be made again."""
    run.run_trial("small")
    write_exports(home.landing("small"), effect=9.0)
    assert run.run_trial("small", force=False).status == "success"
    home.report("small").unlink()
    assert run.run_trial("small", force=False).status == "success"
    assert judge.asked == 3


def test_a_critical_failure_withholds_the_data_from_this_run_and_from_later_ones(home, judge):
    """A blocking check stops its own run; a later run of the later hops alone must fail as well."""
    good = run.run_trial("small")
    published = files_of(home.root / "store" / "small" / "results"), Path(good.report).read_bytes()
    write_exports(home.landing("small"), effect=9.0)
    judge.broken = ("withhold",)
    with pytest.raises(ContractError, match="withheld"):
        run.run_trial("small")
    assert facts(home, "checked")["withheld"]
    assert facts(home, "queries")["data_hash"] == facts(home, "checked")["data_hash"]
    assert facts(home, "accepted")["data_hash"] != facts(home, "checked")["data_hash"]
    assert run_hops(home, "analysis_set", "results").errors[0].family == "contract failure"
    assert (files_of(home.root / "store" / "small" / "results"), Path(good.report).read_bytes()) == published


def test_withheld_data_that_were_accepted_before_are_withheld_too(home, judge):
    """A stricter plan or rule judges the same file anew: the hash of the data alone is no pass."""
    run.run_trial("small")
    judge.broken = ("withhold",)
    with pytest.raises(ContractError):
        run.run_trial("small")
    assert facts(home, "accepted")["data_hash"] == facts(home, "checked")["data_hash"]
    assert run_hops(home, "analysis_set").errors[0].family == "contract failure"


def test_the_verdict_is_stored_before_the_records_it_admits(home, judge, monkeypatch):
    """Killed between two outputs, a run may leave a verdict without records, never records without a verdict.

    With the order swapped, the records of an older verdict would be replaced first, and this test fails.
    """
    run.run_trial("small")
    write_exports(home.landing("small"), effect=9.0)
    stored = []
    write = store.write_tables

    def note(folder, tables):
        stored.append(folder.name)
        if len(stored) > 3:  # landing, raw, the first output of the verdict, then the power fails
            raise KeyboardInterrupt
        write(folder, tables)

    monkeypatch.setattr(store, "write_tables", note)
    with pytest.raises(KeyboardInterrupt):
        run.execute_trial("small")
    monkeypatch.setattr(store, "write_tables", write)
    assert stored[:4] == ["landing", "raw", "checked", "quarantine"]
    assert run_hops(home, "analysis_set").errors[0].family == "contract failure"


def test_check_only_ends_with_the_verdict(home):
    """`srt check` is for data managers: no model, no report."""
    heard = []
    summary = run.run_trial("small", select="checked", on_hop=heard.append)
    assert [e.hop for e in heard if e.state == "done"] == ["landing", "raw", "checked"]
    assert summary.primary is None
    assert summary.forms
    assert summary.validation_report


def test_a_withheld_run_still_sums_up_the_verdict(home, judge):
    """The data manager needs counts and pages most on the night the data are refused."""
    judge.broken = ("withhold",)
    summary = run.execute_trial("small")
    assert isinstance(summary.error, ContractError)
    assert (summary.status, summary.primary, summary.report) == ("failed", None, None)
    assert summary.forms
    assert summary.validation_report


def test_a_missing_form_is_a_read_error_and_nothing_older_is_shown_as_new(home):
    """The numbers of the last good night are not those of this one."""
    run.run_trial("small")
    (home.landing("small") / "scores.csv").unlink()
    summary = run.execute_trial("small")
    assert isinstance(summary.error, ReadError)
    assert "scores.csv" in str(summary.error)
    assert (summary.forms, summary.queries, summary.report) == ([], {}, None)


def test_files_replaced_once_they_were_received_change_nothing_in_that_run(home, monkeypatch):
    """A run reads the copies it took; half of one export and half of another would be a silent mix."""
    from data_contracts.readers import trial as readers

    read, original = readers.read_received, (home.landing("small") / "scores.csv").read_bytes()

    def meddle(received, trial):
        write_exports(home.landing("small"), effect=1.0)
        return read(received, trial)

    monkeypatch.setattr(readers, "read_received", meddle)
    run.run_trial("small")
    received = facts(home, "landing")["files"]["scores"]["sha256"]
    assert facts(home, "raw")["forms"]["scores"]["source"]["sha256"] == received
    assert received == hashlib.sha256(original).hexdigest()


def test_what_a_night_changed_is_told_with_its_run_and_a_rerun_changes_nothing(home):
    """The data manager asks since when a value reads so; a run by hand must not blur the answer."""
    run.run_trial("small")
    scores = home.landing("small") / "scores.csv"
    lines = scores.read_text().splitlines()
    scores.write_text("\n".join([*lines[:5], "Person-01,m6,77.5", *lines[6:-1]]) + "\n")
    second = run.run_trial("small")
    run.run_trial("small")
    log = change_log("small").nights()
    assert [night.run_id for night, _ in log][1:] == [second.run_id]
    assert log[1][0].counts == {"scores": {"record removed": 1, "changed": 1}}
    changed = read_changes(log[1][1]).query("change == 'changed'")
    assert changed[["participant", "visit", "column", "new"]].to_numpy().tolist() == [
        ["Person-01", "m6", "score", "77.5"]
    ]
    assert changed["old"].tolist() == [str(float(lines[5].split(",")[2]))]


def test_a_run_killed_between_the_changes_and_the_records_loses_and_doubles_nothing(home, monkeypatch):
    """The power fails between two files."""
    run.run_trial("small")
    write_exports(home.landing("small"), effect=9.0)
    write = store.write_tables

    def fail(folder, tables):
        if folder.name == "accepted":
            raise KeyboardInterrupt
        write(folder, tables)

    monkeypatch.setattr(store, "write_tables", fail)
    with pytest.raises(KeyboardInterrupt):
        run.execute_trial("small")
    monkeypatch.setattr(store, "write_tables", write)
    assert len(change_log("small").nights()) == 1
    again = run.run_trial("small")
    assert [night.run_id for night, _ in change_log("small").nights()][1:] == [again.run_id]


def test_a_file_still_being_written_is_refused_and_the_last_results_stay(home, monkeypatch, tmp_path):
    """The plan says how long; the message says what to do."""
    run.run_trial("small")
    patient = TRIAL.replace("settle_seconds = 0", "settle_seconds = 60")
    (tmp_path / "trials" / "small.toml").write_text(patient)
    before = files_of(home.root / "store" / "small" / "results")
    scores = home.landing("small") / "scores.csv"
    monkeypatch.setattr(TrialPlace, "pause", lambda *_: scores.write_text("participant,visit,sc"))
    scores.write_text("participant,vis")
    summary = run.execute_trial("small")
    assert isinstance(summary.error, ReadError)
    assert "still being written" in str(summary.error)
    assert "Run again" in str(summary.error)
    assert files_of(home.root / "store" / "small" / "results") == before


def test_a_comparison_that_cannot_be_estimated_is_reported_and_fails_each_night(home):
    """The report says why; the run fails, and the next night does not call it unchanged."""
    write_exports(home.landing("small"), one_arm=True)
    with pytest.raises(EstimationError, match="could not be estimated"):
        run.run_trial("small")
    assert home.report("small").exists()
    with pytest.raises(EstimationError):
        run.run_trial("small", force=False)


def test_an_unknown_trial_is_a_plan_error(home):
    """A typo must not make folders."""
    with pytest.raises(PlanError, match="smal"):
        run.run_trial("smal")
    assert not home.root.joinpath("store").exists()


def test_a_second_run_of_the_same_trial_is_told_to_wait(home):
    """Two writers at once corrupt plain files and both say they are done."""
    home.ready()
    program = (
        "import sys; from pathlib import Path; from pipelines import locks;"
        "lock = locks.take(Path(sys.argv[1]), 'small'); print('held', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", program, str(home.locks)]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match="under way"):
            run.run_trial("small")
        other.communicate()
    locks.take(home.locks, "small").release()


def test_a_trials_lock_is_free_again_after_a_failed_run(home, judge):
    """One bad night must not block the next."""
    judge.broken = ("withhold",)
    run.execute_trial("small")
    program = "import sys, pathlib, pipelines.locks as l; l.take(pathlib.Path(sys.argv[1]), 'small')"
    subprocess.run([sys.executable, "-c", program, str(home.locks)], cwd=ROOT, check=True)


def test_a_run_whose_process_was_killed_is_failed_by_the_next(home, judge):
    """It would keep the trial's place in the queue, and the night would wait for it."""
    run.run_trial("small")
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        tags = {"srt/started_by": "the command line"}
        dead = instance.add_run(dg.DagsterRun("small", "dead", status=dg.DagsterRunStatus.STARTED, tags=tags))
        run.run_trial("small")
        assert instance.get_run_by_id(dead.run_id).status is dg.DagsterRunStatus.FAILURE


def test_a_full_disk_is_told_before_anything_is_begun(home, monkeypatch):
    """A disk that fills in mid-run leaves a run that never ends."""
    monkeypatch.setattr("pipelines.home.LEAST_FREE", 10**18)
    with pytest.raises(StorageError, match="full"):
        run.run_trial("small")


def test_a_state_folder_that_refuses_is_a_storage_error(home, tmp_path, monkeypatch):
    """A file in the folder's place refuses root as well, as whom tests may run."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SRT_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StorageError, match="SRT_HOME"):
        run.run_trial("small")


def test_a_disk_that_fills_leaves_the_last_results(home, monkeypatch):
    """The morning finds yesterday's report, one message and exit code 7."""
    run.run_trial("small")
    write_exports(home.landing("small"), effect=9.0)
    before = files_of(home.root / "store" / "small" / "analysis_set")
    write = store.write_atomically

    def full(path, data):
        if "analysis_set" in path.parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, data)

    monkeypatch.setattr(store, "write_atomically", full)
    with pytest.raises(StorageError, match="No space left"):
        run.run_trial("small")
    assert files_of(home.root / "store" / "small" / "analysis_set") == before


# They say when and as which run they were made, or when the files came: docs/report.md names them.
STAMPED = {
    "report.html", "report.docx", "open/report-open.html", "open/report-open.docx",
    "tables/facts-table.csv", "tables/sources-table.csv", "validation/index.html",
}  # fmt: skip


def published(home):
    """Return the files of the report; of those that a run stamps, only that they are there."""
    folder = home.reports("small")
    files = {path.relative_to(folder).as_posix(): data for path, data in files_of(folder).items()}
    return {name: b"" if name in STAMPED else data for name, data in files.items()}


def refused(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def killed(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(("at", "accident"), [("write_through", refused), ("_put_in_place", killed)])
def test_after_a_report_that_failed_the_old_delivery_is_news_again(home, monkeypatch, at, accident):
    """The tables between the hops are of tonight, the report of before: the quiet night made no end of it."""
    first, before = run.run_trial("small"), published(home)
    write_exports(home.landing("small"), effect=9.0)
    with monkeypatch.context() as patched:
        patched.setattr(together, at, accident)
        with pytest.raises((StorageError, KeyboardInterrupt)):
            run.run_trial("small", force=False)
    write_exports(home.landing("small"))
    assert not is_quiet("small", home)
    again = run.run_trial("small", force=False)
    assert (again.status, again.primary) == ("success", first.primary)
    assert facts(home, "results")["data_hash"] == facts(home, "report")["data_hash"]
    after = published(home)
    assert {name for name in {*after, *before} if after.get(name) != before.get(name)} == set()
    assert is_quiet("small", home)
    assert not list(home.reports("small").glob(".tmp*"))


def test_a_failed_report_tells_what_was_judged_and_which_report_stands(home, monkeypatch):
    """The verdict is of tonight's data; the numbers are not, so none are told."""
    first = run.run_trial("small")
    assert first.standing_report == first.report
    write_exports(home.landing("small"), effect=9.0)
    monkeypatch.setattr(together, "write_through", refused)
    summary = run.execute_trial("small")
    assert isinstance(summary.error, StorageError)
    assert (summary.primary, summary.report, summary.files) == (None, None, dict.fromkeys(NAMED))
    assert (summary.standing_report, bool(summary.forms)) == (first.report, True)
    assert summary.queries["total"] == first.queries["total"]
    assert summary.validation_report
    told = cli_summary.as_json(summary)
    assert (told["status"], told["error"]["exit_code"]) == ("storage error", 7)
    assert told["error"]["problems"][0]["where"].endswith("reports/small")


def test_a_report_half_put_in_place_is_not_said_to_stand(home, monkeypatch):
    """It may be of two nights."""
    run.run_trial("small")
    write_exports(home.landing("small"), effect=9.0)
    real = together.sync_folder

    def refused_later(folder):
        real(folder)
        if not (home.reports("small") / ".files.json").exists():
            refused()

    monkeypatch.setattr(together, "sync_folder", refused_later)
    summary = run.execute_trial("small")
    assert (summary.error.exit_code, summary.standing_report) == (7, None)


def test_a_damaged_query_book_fails_the_night_at_that_hop_and_the_next_redoes_it(home):
    """Accepted records without their queries would look like a night without faults."""
    run.run_trial("small")
    write_exports(home.landing("small"), effect=9.0)
    before = home.database.read_bytes(), facts(home, "accepted")
    for beside in home.root.glob("queries.sqlite-*"):
        beside.unlink()
    home.database.write_bytes(b"no database " * 1000)
    with pytest.raises(StorageError, match="query book is damaged"):
        run.run_trial("small", force=False)
    assert facts(home, "accepted") == before[1]
    home.database.write_bytes(before[0])
    assert run.run_trial("small", force=False).status == "success"


def test_an_error_nobody_foresaw_shows_no_message_of_its_own(home, monkeypatch):
    """A library's message may quote a cell."""
    from analysis.derive import analysis_set

    def broken(*_):
        raise ValueError("could not convert 'Person-07 secret'")

    monkeypatch.setattr(analysis_set, "build_analysis_set", broken)
    error = run.execute_trial("small").error
    assert "ValueError" in str(error)
    assert "Person-07" not in str(error)
    assert error.exit_code == 1


def run_hops(home, *hops):
    """Run some hops alone, as a person does in Dagster's pages."""
    from pipelines.definitions import build
    from pipelines.execution import execute

    job = build([load_named("small")], {}).resolve_job_def("small")
    return execute(job, home, hops, {}, lambda _: None)
