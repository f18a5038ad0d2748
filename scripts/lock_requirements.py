"""Write the lock files `scripts/requirements-*.txt` from what the running environment holds.

    .venv/bin/python scripts/lock_requirements.py               all but `bench`
    .venv-bench/bin/python scripts/lock_requirements.py bench   the groups that are named

`pyproject.toml` names what each group needs; the lock files add everything that those need in
turn, each with the exact version that the working environment has. Run it after changing a
dependency, in an environment where the new set is installed and the tests pass.
"""

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by scripts/lock_requirements.py; change pyproject.toml, then run it again.\n"


def wanted(project: dict[str, object]) -> dict[str, list[str]]:
    """Return the requirements that `pyproject.toml` names, by lock file."""
    table = project["project"]
    if not isinstance(table, dict):
        raise TypeError("pyproject.toml: [project] is not a table")
    groups = {"run": table["dependencies"], "build": build_requirements(project)}
    groups |= {name: table["optional-dependencies"][name] for name in ("demo",)}
    groups |= dict(dependency_groups(project))
    return groups


def build_requirements(project: dict[str, object]) -> list[str]:
    """Return what the build back end needs."""
    table = project["build-system"]
    if not isinstance(table, dict):
        raise TypeError("pyproject.toml: [build-system] is not a table")
    return list(table["requires"])


def dependency_groups(project: dict[str, object]) -> Iterator[tuple[str, list[str]]]:
    """Yield each development group and its requirements."""
    table = project["dependency-groups"]
    if not isinstance(table, dict):
        raise TypeError("pyproject.toml: [dependency-groups] is not a table")
    yield from table.items()


def closure(requirements: list[str]) -> list[str]:
    """Return the pins of these requirements and of all that they need, sorted."""
    pins: dict[str, str] = {}
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wish = waiting.pop()
        key = (canonicalize_name(wish.name), frozenset(wish.extras))
        if key in seen:
            continue
        seen.add(key)
        pins[key[0]] = pin(wish)
        waiting.extend(needs_of(wish))
    return [pins[name] for name in sorted(pins)]


def pin(wish: Requirement) -> str:
    """Return the line that fixes one requirement to the version installed here."""
    try:
        version = distribution(wish.name).version
    except PackageNotFoundError:
        raise SystemExit(f"{wish.name} is not installed here: run `make build` first") from None
    if version not in wish.specifier:
        raise SystemExit(f"{wish.name} {version} is installed, {wish.specifier} is wanted")
    line = f"{canonicalize_name(wish.name)}=={version}"
    # Only a limit by system is kept: one by Python version would not hold for the next Python.
    if wish.marker is not None and "platform_system" in str(wish.marker):
        line += f"; {wish.marker}"
    return line


def needs_of(wish: Requirement) -> Iterator[Requirement]:
    """Yield what an installed distribution needs here, with the extras wished for."""
    for text in distribution(wish.name).requires or ():
        need = Requirement(text)
        extras = wish.extras or {""}
        if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in extras):
            # The marker held where the lock is made; it is not ours to repeat.
            need.marker = None
            yield need


def main() -> None:
    """Write the lock files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = wanted(project)
    for group in sys.argv[1:] or sorted(groups.keys() - {"bench"}):
        requirements = groups[group]
        path = ROOT / "scripts" / f"requirements-{group}.txt"
        path.write_text(HEADER + "\n".join(closure(requirements)) + "\n")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
