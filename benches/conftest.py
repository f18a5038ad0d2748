"""The options of `make bench`, and what is said at its end."""

import pytest

from benches import catalogue, page, table

REPORTS = pytest.StashKey[list]()


def pytest_addoption(parser):
    group = parser.getgroup("pyflow benchmarks")
    group.addoption("--size", default="full", choices=("full", "quick", "tiny"))
    group.addoption("--only", default="", help="names of workloads, with commas between them")
    group.addoption("--page", action="store_true", help="write docs/benchmarks.md")


def pytest_configure(config):
    config.stash[REPORTS] = []
    strange = set(wanted(config)) - set(catalogue.NAMES)
    if strange:
        known = ", ".join(catalogue.NAMES)
        raise pytest.UsageError(f"no such workload: {', '.join(strange)}; there are {known}")


def wanted(config):
    return [name for name in config.getoption("only").split(",") if name]


def pytest_collection_modifyitems(config, items):
    names = wanted(config)
    if names:
        items[:] = [item for item in items if item.callspec.params["name"] in names]


@pytest.fixture
def reports(request):
    return request.config.stash[REPORTS]


def pytest_terminal_summary(terminalreporter, config):
    reports = config.stash[REPORTS]
    if not reports:
        return
    terminalreporter.write_line("")
    for line in table.lines(reports):
        terminalreporter.write_line(line)
    if config.getoption("page"):
        terminalreporter.write_line(f"written: {page.write(reports)}")
