"""The reports' pages as `srt ui` serves them: what is shown, what never is, and to whom."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from uvicorn import Config, Server

from data_contracts.errors import BusyError
from pipelines.home import Home
from pipelines.last_run import begin
from pipelines.pages import Served, application, host_of, is_page, names_of
from pipelines.ui import listen, serve_pages

RUN = "0b0e2c4e-3e19-4589-908e-7117522e09d2"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SRT_HOME", str(tmp_path))
    monkeypatch.delenv("SRT_PAGES", raising=False)
    reports = tmp_path / "reports"
    (reports / "demo" / "data").mkdir(parents=True)
    (reports / "demo" / "tables").mkdir()
    for name in (
        "report.html",
        "report.docx",
        "results.csv",
        "analysis_set.csv",
        "analysis_set.sav",
        ".files.json",
    ):
        (reports / "demo" / name).write_text("a file")
    (reports / "demo" / "tables" / "primary.csv").write_text("numbers")
    (reports / "demo" / "data" / "records.html").write_text("records")
    (reports / "demo" / "linked.html").symlink_to(reports / "demo" / "data" / "records.html")
    (reports / "demo" / "away.html").symlink_to(tmp_path / "queries.html")
    (tmp_path / "queries.html").write_text("queries")
    return Home(tmp_path)


@contextmanager
def serving(home, host="127.0.0.1"):
    listening = listen(host, 0, "--pages-port")
    served = Served(home, 3456, names_of(host))
    server = Server(Config(application(served), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def asked(home):
    """Ask for a path as it is written, and return the answer; its text is read."""
    with serving(home) as port:

        def ask(path, method="GET", **headers):
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            line.request(method, path, headers=headers)
            answer = line.getresponse()
            answer.text = answer.read().decode(errors="replace")
            line.close()
            return answer

        yield ask


@pytest.mark.parametrize(
    "path", ["/demo/report.html", "/demo/report.docx", "/demo/results.csv", "/demo/tables/primary.csv"]
)
def test_reports_and_their_tables_are_served(asked, path):
    """What the page of a trial leads to."""
    assert asked(path).status == 200
    assert asked(path, "HEAD").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/demo/data/records.html",
        "/demo/DATA/records.html",
        "/demo/x/../data/records.html",
        "/demo/data%2frecords.html",
        "/demo/linked.html",
        "/demo/analysis_set.csv",
        "/demo/analysis_set.sav",
        "/demo/.files.json",
    ],
)
def test_nothing_that_holds_a_participants_record_is_served(asked, path):
    """By whatever name: the folder `data`, a link into it, the analysis sets."""
    answer = asked(path)
    assert answer.status == 404
    assert "records" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/../queries.html",
        "/%2e%2e/queries.html",
        "/demo/..%2f..%2fqueries.html",
        "/demo/../../queries.html",
        "//etc/passwd",
        "/away.html",
        "/demo/away.html",
        "/demo/report.html%00.css",
    ],
)
def test_nothing_outside_the_reports_is_served(asked, path):
    """Neither by dots, encoded or not, nor by a link."""
    answer = asked(path)
    assert answer.status in {400, 404}
    assert "queries" not in answer.text


@pytest.mark.parametrize("path", ["/demo", "/demo/", "/demo/data/", "/demo/tables/"])
def test_no_folder_is_listed(asked, path):
    """What is not linked need not be known."""
    assert asked(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_pages_change_nothing(asked, method):
    """There is nothing to send."""
    assert asked("/", method).status == 405
    assert asked("/demo/report.html", method).status == 405


def test_the_index_is_made_anew_and_leads_to_the_runs_in_dagsters_pages(asked, home):
    """A file can't know where they are."""
    begin(home, "demo", RUN, datetime.now(UTC))
    for path in ("/", "/index.html"):
        answer = asked(path)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert f'href="runs/{RUN}"' in answer.text
    lead = asked(f"/runs/{RUN}")
    assert (lead.status, lead.headers["location"]) == (302, f"http://127.0.0.1:3456/runs/{RUN}")
    assert asked("/dagster").headers["location"] == "http://127.0.0.1:3456/"


@pytest.mark.parametrize("run", ["1", "..", "x" * 36, f"{RUN}%0d%0aX-Set:1", f"{RUN}@example.org"])
def test_only_runs_are_led_to(asked, run):
    """The server is no way to anywhere else."""
    assert asked(f"/runs/{run}").status == 404


def test_the_last_page_is_served_where_none_can_be_made(asked, home, monkeypatch):
    """A page of this morning is better than none."""

    def fails(*_, **__):
        raise RuntimeError

    monkeypatch.setattr("pipelines.index_page.index_page", fails)
    assert asked("/").status == 503
    (home.root / "reports" / "index.html").write_text("this morning's page")
    assert asked("/").text == "this morning's page"


@pytest.mark.parametrize("path", ["/", "/demo/report.html", "/none.html"])
def test_every_answer_says_what_a_browser_may_do_with_it(asked, path):
    """No guessing of kinds, no referrer, no copy kept, no frame, nothing loaded."""
    headers = asked(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_foreign_name_that_leads_to_this_machine_is_refused(asked):
    """A page elsewhere could have its own name lead here, and read the reports through its reader's browser."""
    assert asked("/demo/report.html", Host="evil.example").status == 400
    assert asked("/demo/report.html", Host="localhost:3001").status == 200


@pytest.mark.parametrize(
    "host",
    ["", "[", "[::1", "localhost:", "localhost:x", "localhost:99999", "me@localhost", "localhost/a", "a?b"],
)
def test_a_host_that_is_no_name_is_a_bad_request(asked, host):
    """Not an error of the server, and no way to a page under a name that only looks like its own."""
    answer = asked("/demo/report.html", Host=host)
    assert answer.status == 400
    assert "a file" not in answer.text


def test_a_host_that_is_no_name_is_refused_where_any_name_is_good_too(home):
    """Whoever lets others in must not let in everything."""
    with serving(home, "0.0.0.0") as port:
        for host, status in (("[", 400), ("elsewhere.example:3001", 200)):
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            line.request(
                "GET", "/dem/report.html" if status == 400 else "/demo/report.html", headers={"Host": host}
            )
            assert line.getresponse().status == status
            line.close()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:3001", "localhost"),
        ("[::1]:3001", "::1"),
        ("[::1]", "::1"),
        ("192.0.2.1:80", "192.0.2.1"),
    ],
)
def test_the_name_in_a_host_header_is_found(header, name):
    """With a port or without, in any case, an address of either kind."""
    assert host_of(header) == name


def test_a_proxys_name_is_known_where_it_is_declared():
    """SRT_PAGES says under which address readers know the pages."""
    assert "trials.example.org" in names_of("127.0.0.1", "https://trials.example.org/pages")
    assert "trials.example.org" not in names_of("127.0.0.1")
    assert names_of("192.0.2.1") == (), "whoever lets others in serves them under any name"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("demo/validation/docs/scores.html", True),
        ("demo/report-SHUFFLED.docx", True),
        ("demo/results-SHUFFLED.csv", True),
        ("demo/results.parquet", False),
        ("demo/tables/x.sav", False),
        ("demo/tables/x.csv", True),
        ("tables/analysis_set.csv", False),  # of a trial that is called so
        ("tables/tables/x.csv", True),
        ("demo/old/tables/x.csv", False),
        ("results.csv", False),
        ("demo/data/report.html", False),
        (".", False),
        ("", False),
    ],
)
def test_which_files_are_pages(path, shown):
    """A list of what may be shown, so that a new kind of file is kept back until somebody thinks of it."""
    assert is_page(path) is shown


def test_a_port_in_use_is_told_with_what_to_do():
    """Before Dagster is started, and in a sentence."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BusyError, match=f"Port {port}") as told:
            listen("127.0.0.1", port, "--pages-port")
    assert "--pages-port" in told.value.problems[0].remedy


def test_the_server_ends_with_the_process_that_started_it(home):
    """Whatever ended that one: nothing serves on after `srt ui`."""
    listening = listen("127.0.0.1", 0, "--pages-port")
    port = listening.getsockname()[1]
    starter = f"""
import os, socket, time
from pathlib import Path
from pipelines.home import Home
from pipelines.ui import serve_pages
serve_pages(Home(Path({str(home.root)!r})), socket.socket(fileno={listening.fileno()}), "127.0.0.1", 3456)
os.execvp("sleep", ["sleep", "60"])
"""
    with subprocess.Popen([sys.executable, "-c", starter], pass_fds=[listening.fileno()]) as parent:
        listening.close()
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        line.request("GET", "/demo/report.html")
        assert line.getresponse().status == 200
        line.close()
        parent.kill()
    assert _is_closed(port, within=10)


def test_ctrl_c_ends_the_server_in_good_order(home):
    """A terminal sends it to both programs; nothing of it should look like a fault."""
    listening = listen("127.0.0.1", 0, "--pages-port")
    port = listening.getsockname()[1]
    with serve_pages(home, listening, "127.0.0.1", 3456) as served:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        line.request("GET", "/demo/report.html")
        assert line.getresponse().status == 200
        line.close()
        served.send_signal(signal.SIGINT)
        assert served.wait(20) in {0, 130, -signal.SIGINT}
    assert _is_closed(port, within=5)


def _is_closed(port, within):
    until = time.monotonic() + within
    while time.monotonic() < until:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)):
                return True
        time.sleep(0.1)
    return False
