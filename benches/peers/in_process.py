"""A peer in a process of its own: it keeps threads or servers alive that must not disturb others.

The child is started with a module of this folder, which calls `serve` with what it can do. Requests
and answers are lines of JSON.
"""

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benches.fresh import ROOT, environment

STOP_S = 20.0

Ask = Callable[..., Any]


@contextmanager
def peer(module: str, *arguments: str, package: Path | None = None, **more: str) -> Iterator[Ask]:
    """Start a child, wait until it is ready, and give the call that asks it to do something.

    Modules are looked for in `package` first; `more` is added to its environment.
    """
    with subprocess.Popen(
        [sys.executable, "-m", f"benches.peers.{module}", *arguments],
        cwd=ROOT,
        env=environment(package) | more,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            hear(child)
            yield lambda verb, *given: ask(child, verb, *given)
        finally:
            stop(child)


def ask(child: subprocess.Popen[str], verb: str, *given: Any) -> Any:
    assert child.stdin is not None
    child.stdin.write(json.dumps([verb, *given]) + "\n")
    child.stdin.flush()
    return hear(child)


def hear(child: subprocess.Popen[str]) -> Any:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"the peer ended with exit status {child.wait()}")
    return json.loads(line)


def stop(child: subprocess.Popen[str]) -> None:
    """Closing its input ends it; what hangs, or what it left running, is killed."""
    assert child.stdin is not None
    child.stdin.close()
    end_session(child)


def end_session(child: subprocess.Popen[Any]) -> None:
    """Give a child that leads a session 20 s to end, then kill all that is left of its group."""
    with suppress(subprocess.TimeoutExpired):
        child.wait(STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def serve(verbs: Mapping[str, Callable[..., Any]]) -> None:
    """Answer requests until there are no more, and collect garbage after each.

    What a library prints goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    say(answers, "ready")
    for line in sys.stdin:
        verb, *given = json.loads(line)
        say(answers, verbs[verb](*given))
        gc.collect()


def say(answers: Any, value: Any) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()
