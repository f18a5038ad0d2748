"""The files that `pyflow init` writes."""

from typing import Final

COMMAND: Final = 'pyflow run flows.py:welcome --input \'{"names": ["Ada", "Grace"]}\''
"""What runs the sample workflow."""

_CONFIG: Final = """\
# The configuration of pyflow. A variable like PYFLOW_STORE__URL overrides a setting;
# `pyflow config` shows what is in force. Write secrets as ${secret.NAME}: the worker fills them
# in from the variable PYFLOW_SECRET_NAME, or from the file that PYFLOW_SECRET_NAME_FILE names.

# Modules whose tasks runs need.
tasks = ["flows"]

[store]
url = "sqlite:///./pyflow.db"
retention_days = 30

# [mqtt]
# url = "mqtt://localhost:1883"

# [devices.hvac_controller]
# telemetry_topic = "plant/{device_id}/{reading_type}"
# value = "$.temperature"

# [databases.default]
# url = "postgresql://pyflow:${secret.DATABASE_PASSWORD}@localhost/plant"

# [channels.default]
# urls = ["slack://${secret.SLACK_TOKEN}"]
"""

_FLOWS: Final = '''\
"""A first workflow. Run it with

    pyflow run flows.py:welcome --input '{"names": ["Ada", "Grace"]}'
"""

import pyflow


@pyflow.task(max_retries=3, base_delay_s=0.5)
async def greet(name: str) -> str:
    """Greet one person. If it fails it is tried again, up to three times."""
    return f"Hello, {name}!"


@pyflow.task
def letter(greetings: list[str]) -> str:
    """Put the greetings into one text. A plain function runs on a thread."""
    return "\\n".join(greetings)


@pyflow.workflow
def welcome(names: list[str]) -> str:
    """Greet everyone at the same time, then write the letter."""
    return letter(greet.map(names))
'''

FILES: Final = {"pyflow.toml": _CONFIG, "flows.py": _FLOWS}
"""Each file by its name."""
