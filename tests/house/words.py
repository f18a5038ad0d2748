"""Words, file names, waits and addresses that the house does not want."""

import ast
import re
from collections.abc import Iterator

from tests.house import tree

# A letter of each is in brackets, so that this file does not accuse itself.
UNFINISHED = re.compile(r"\b(?:T[O]DO|FIX[M]E|XX[X])\b")
VAGUE_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "misc"})
SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "trio.sleep", "anyio.sleep"})
SLEEP_CALL = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(SLEEPS)))})\(")
ADDRESS = re.compile(r"\bhttps?://(?P<host>[^\s/:\"'`<>()\[\]{},*?#]*)")
TEXT = frozenset(
    {".py", ".pyi", ".rs", ".sh", ".md", ".toml", ".txt", ".json", ".yaml", ".yml", ".cfg", ".lock"}
)
OWN_HOSTS = re.compile(
    r"""(?:|localhost|127\.\d+\.\d+\.\d+|10\.\d+\.\d+\.\d+|169\.254\.\d+\.\d+|192\.168\.\d+\.\d+
    |0\.0\.0\.0|[\w.-]*\.(?:test|example|invalid|localhost|internal|local)
    |(?:[\w-]+\.)*example\.(?:com|org|net))""",
    re.VERBOSE,
)
# Names of formats and licences, which nobody fetches.
IDENTIFIERS = frozenset({"json-schema.org", "www.w3.org", "www.apache.org"})


def unfinished() -> list[str]:
    """Notes of work left over."""
    return [
        f"{tree.name(path)}:{tree.line_of(text, found.start())}: {found[0]}"
        for path in tree.tracked()
        if path.suffix in TEXT or path.name == "Makefile"
        for text in [path.read_text()]
        for found in UNFINISHED.finditer(text)
    ]


def vague_names() -> list[str]:
    """Files and folders whose name does not say what they hold."""
    return sorted(
        tree.name(path)
        for path in tree.tracked()
        if path.relative_to(tree.ROOT).parts[0] in tree.CODE_ROOMS
        for part in path.relative_to(tree.ROOT).with_suffix("").parts
        if VAGUE_NAMES & set(part.lower().split("_"))
    )


def sleeps_in_tests() -> list[str]:
    """Tests that sleep. They wait for a fact, let the clock jump, or give way (`give_way`)."""
    return [
        f"{tree.name(path)}:{line}: {call}"
        for path in tree.code(".py", "tests")
        for line, call in sleeps_in(path.read_text())
    ]


def sleeps_in(source: str) -> Iterator[tuple[int, str]]:
    """The line of each call that sleeps and how it reads, in programs that are texts here too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in SLEEPS:
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            for found in SLEEP_CALL.finditer(node.value):
                yield node.lineno, found[0]


def outside_addresses() -> list[str]:
    """Addresses of machines that are neither this one nor made up."""
    return list(addresses())


def addresses() -> Iterator[str]:
    """Each such address; links between our own pages are relative. Cargo writes its own lock."""
    for path in tree.tracked():
        if path.suffix not in TEXT or path.name == "Cargo.lock":
            continue
        text = path.read_text()
        for found in ADDRESS.finditer(text):
            if not OWN_HOSTS.fullmatch(found["host"]) and found["host"] not in IDENTIFIERS:
                yield f"{tree.name(path)}:{tree.line_of(text, found.start())}: {found[0]}"
