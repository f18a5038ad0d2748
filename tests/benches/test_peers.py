"""A peer in a process of its own leaves nothing behind."""

import os
import select
from pathlib import Path

from benches.peers.in_process import peer

PATIENCE_S = 20.0
LEAVES_A_CHILD = """
import os, subprocess, sys
from benches.peers.in_process import serve

end = os.open(sys.argv[1], os.O_WRONLY)
subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], pass_fds=[end])
serve({"answer": lambda: 42})
"""


def test_what_a_peer_started_ends_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "benches" / "peers"
    folder.mkdir(parents=True)
    (folder / "leaves_a_child.py").write_text(LEAVES_A_CHILD)
    fifo = tmp_path / "held_open"
    os.mkfifo(fifo)
    heard = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with peer("leaves_a_child", str(fifo), package=tmp_path) as ask:
            assert ask("answer") == 42
            assert select.select([heard], [], [], 0)[0] == []

        # Its other end is closed by the last process that holds it.
        assert select.select([heard], [], [], PATIENCE_S)[0] == [heard]
        assert os.read(heard, 1) == b""
    finally:
        os.close(heard)
