"""What all tests share: one thread for linear algebra, set before numpy is loaded; when a skipped test has failed."""

import os

import pytest

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")

INSTALLED = ("browser", "office", "postgres", "daemon")  # marks of the tests whose packages .ci/run installs


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With SKIPS=fail, a test that skips for want of a system package has failed: no check passes by skipping."""
    report = yield
    marked = any(item.get_closest_marker(mark) for mark in INSTALLED)
    if os.environ.get("SKIPS") == "fail" and report.skipped and marked and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where SKIPS=fail: {call.excinfo.value}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """With SKIPS=fail, a module that skips as a whole has failed: none of its tests would be there to tell."""
    report = yield
    if os.environ.get("SKIPS") == "fail" and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skipped, where SKIPS=fail: {report.longrepr[-1]}"
    return report
