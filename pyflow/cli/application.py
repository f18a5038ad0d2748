"""The commands as cyclopts reads them; each is imported when it is called."""

from cyclopts import App, Parameter

from pyflow.cli.help_form import HelpForm
from pyflow.cli.overview import COMMANDS


def application() -> App:
    """Make the application. It raises what it does not understand, and gives back exit codes."""
    app = App(
        name="pyflow",
        help="Workflows that survive crashes.",
        help_format="plaintext",
        help_formatter=HelpForm(),
        version_flags=(),
        default_parameter=Parameter(negative=(), show_default=False),
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for each in COMMANDS:
        app.command(each.place, name=each.name)
    return app
