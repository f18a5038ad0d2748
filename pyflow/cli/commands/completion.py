"""`pyflow completion`."""

import os
from pathlib import Path
from typing import Literal

from pyflow.cli.application import application
from pyflow.cli.output import note, say

_SHELLS = ("bash", "zsh", "fish")
_PLACES = {
    "bash": "pyflow completion bash > ~/.local/share/bash-completion/completions/pyflow",
    "zsh": "pyflow completion zsh > ~/.zsh/completions/_pyflow",
    "fish": "pyflow completion fish > ~/.config/fish/completions/pyflow.fish",
}


def completion(shell: Literal["bash", "zsh", "fish"] | None = None, /) -> None:
    """Print the script by which a shell completes commands, options and choices.

    Args:
        shell: Which shell; else that of the variable SHELL.
    """
    own = Path(os.environ.get("SHELL", "")).name
    chosen = shell or (own if own in _SHELLS else "bash")
    say(application().generate_completion(prog_name="pyflow", shell=chosen))  # type: ignore[arg-type]
    note(f"next: {_PLACES[chosen]}")
