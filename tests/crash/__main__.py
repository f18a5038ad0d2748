"""The long kill loop: `python -m tests.crash --kills 1000 --seed 1`.

It kills engine processes, and worker processes, cuts the power, and judges what is left by a ledger
of its own. It ends with 1 where a promise was broken, says the seed that shows it, and keeps the
store. `--seed N --rounds 1` plays one round again.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.crash.rounds import Played, added, as_line, extras_of, plan, play
from tests.crash.verdict import losses_are_recent

_KILLS_A_ROUND = 50


def main() -> int:
    """Play rounds, and say what they have shown."""
    asked = _arguments()
    lines = report(asked)
    if asked.report is not None:
        asked.report.parent.mkdir(parents=True, exist_ok=True)
        asked.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if any(line.startswith("VIOLATION") for line in lines) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many engines are killed")
    parser.add_argument("--seed", type=int, default=1, help="that of the first round")
    parser.add_argument("--rounds", type=int, help="rounds of 50 kills, in place of --kills")
    parser.add_argument("--work-s", type=float, default=0.5, help="the longest life of an engine")
    parser.add_argument(
        "--at-once", type=int, default=os.cpu_count() or 1, help="rounds that are played at once"
    )
    parser.add_argument("--report", type=Path, help="where the lines go besides")
    return parser.parse_args()


def report(asked: argparse.Namespace) -> list[str]:
    """Play what is asked for; say each round as it ends, and the whole."""
    kills_count = asked.kills if asked.rounds is None else asked.rounds * _KILLS_A_ROUND
    rounds = plan(kills_count, asked.seed, _KILLS_A_ROUND, asked.work_s)
    began = time.monotonic()
    lines = [_say(f"{kills_count} kills in {len(rounds)} rounds from seed {asked.seed}")]
    played: list[Played] = []
    with ProcessPoolExecutor(asked.at_once) as pool:
        for one in pool.map(play, rounds):
            played.append(one)
            kills = 0 if one.counted is None else one.counted.kills
            words = extras_of(one.seed).words() or "kills"
            lines.append(_say(f"seed {one.seed} ({words}): {kills} killed"))
            lines += _broken(one)
    whole = added([one.counted for one in played if one.counted is not None])
    lines += [_say(f"VIOLATION {line}") for line in losses_are_recent(whole)]
    lines.append(_say(as_line(whole)))
    broken_count = sum(line.startswith("VIOLATION") for line in lines)
    lines.append(
        _say(
            f"{whole.kills} engines and {whole.worker_kills} workers killed, "
            f"{whole.power_cuts} power cuts, {sum(whole.acknowledged.values())} operations "
            f"acknowledged in {whole.runs} runs, {whole.eventual_lost} lost of "
            f"{whole.eventual_acknowledged} that are `eventual`, each reported; "
            f"{whole.deliveries_repeated} deliveries repeated; {broken_count} violations; "
            f"{time.monotonic() - began:.0f} s"
        )
    )
    return lines


def _broken(one: Played) -> Iterable[str]:
    for line in one.violations:
        yield _say(f"VIOLATION {line}")
    if one.violations:
        yield _say(f"  again: python -m tests.crash --rounds 1 --seed {one.seed}")
        yield _say(f"  the files are kept in {one.directory}")


def _say(line: str) -> str:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return line


if __name__ == "__main__":
    sys.exit(main())
