"""Every error that pyflow raises, in one tree.

Each class has a stable `code`, typed fields, and a page in `docs/errors/`. The message comes first,
is optional where the fields suffice to make one, and the fields are keywords. It says what was
wanted, what was found and what to do. Every error can be copied and pickled.

    PyflowError
    ├── DefinitionInvalid PF1001        ├── RunFailed PF1201
    ├── DefinitionUnknown PF1002        │   └── DeadlineExceeded PF1204
    ├── DefinitionConflict PF1003       ├── RunCancelled PF1202
    ├── TraceError PF1004               ├── ResultTimeout PF1203 (also a TimeoutError)
    ├── ParametersInvalid PF1006        ├── NonRetryable PF1207
    ├── TaskTypeUnknown PF1007          │   └── SecretUnknown PF3002
    ├── TaskCallError PF1008            ├── RetryAfter PF1208
    ├── NotImportable PF1009            ├── ListenerLagged PF1209
    ├── RunUnknown PF1101               ├── ExpressionInvalid PF1301
    ├── RunExists PF1102                ├── ExpressionFailed PF1302
    ├── KeyReused PF1103                ├── CostExceeded PF1303
    ├── RunStateRefused PF1104          ├── StoreFault PF2001
    ├── TaskUnknown PF1105              │   ├── StoreBusy PF2002
    ├── TaskStateRefused PF1106         │   ├── StoreDamaged PF2003
    ├── InputInvalid PF1107             │   ├── StoreFull PF2004
    ├── PayloadTooLarge PF1108          │   └── StoreReadOnly PF2005
    ├── LimitExceeded PF1109            ├── EngineClosed PF2006
    ├── EngineBusy PF1110               ├── EngineForked PF2007
    ├── DeviceError PF4001              ├── StoreSchemeUnknown PF2008
    │   ├── DeviceTimeout PF4002        ├── ConsistencyUnsupported PF2009
    │   ├── DeviceRefused PF4003        ├── ConfigInvalid PF3001
    │   └── DevicePayloadInvalid PF4004 ├── DatabaseError PF4101
    ├── HttpError PF4201                ├── AddressRefused PF4202
    ├── NotificationError PF4301        ├── GraphInvalid PF1010 (also a ValueError)
    ├── ResultUnreadable PF1205         (also a TypeError)
    ├── AttemptOver PF1111              └── WriteLost PF1210
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from pyflow._errors_base import PyflowError
from pyflow._errors_of_definitions import (
    CostExceeded,
    DefinitionConflict,
    DefinitionInvalid,
    DefinitionUnknown,
    ExpressionFailed,
    ExpressionInvalid,
    GraphInvalid,
    NotImportable,
    ParametersInvalid,
    Problem,
    TaskCallError,
    TaskTypeUnknown,
    TraceError,
)
from pyflow._errors_of_engine import (
    ConfigInvalid,
    ConsistencyUnsupported,
    EngineClosed,
    EngineForked,
    SecretUnknown,
    StoreBusy,
    StoreDamaged,
    StoreFault,
    StoreFull,
    StoreReadOnly,
    StoreSchemeUnknown,
)
from pyflow._errors_of_runs import (
    AttemptOver,
    DeadlineExceeded,
    EngineBusy,
    InputInvalid,
    KeyReused,
    LimitExceeded,
    ListenerLagged,
    NonRetryable,
    PayloadTooLarge,
    ResultTimeout,
    ResultUnreadable,
    RetryAfter,
    RunCancelled,
    RunExists,
    RunFailed,
    RunStateRefused,
    RunUnknown,
    TaskStateRefused,
    TaskUnknown,
    WriteLost,
)
from pyflow._errors_outside import (
    AddressRefused,
    DatabaseError,
    DeviceError,
    DevicePayloadInvalid,
    DeviceRefused,
    DeviceTimeout,
    HttpError,
    NotificationError,
)

__all__ = [
    "CODES",
    "AddressRefused",
    "AttemptOver",
    "ConfigInvalid",
    "ConsistencyUnsupported",
    "CostExceeded",
    "DatabaseError",
    "DeadlineExceeded",
    "DefinitionConflict",
    "DefinitionInvalid",
    "DefinitionUnknown",
    "DeviceError",
    "DevicePayloadInvalid",
    "DeviceRefused",
    "DeviceTimeout",
    "EngineBusy",
    "EngineClosed",
    "EngineForked",
    "ExpressionFailed",
    "ExpressionInvalid",
    "GraphInvalid",
    "HttpError",
    "InputInvalid",
    "KeyReused",
    "LimitExceeded",
    "ListenerLagged",
    "NonRetryable",
    "NotImportable",
    "NotificationError",
    "ParametersInvalid",
    "PayloadTooLarge",
    "Problem",
    "PyflowError",
    "ResultTimeout",
    "ResultUnreadable",
    "RetryAfter",
    "RunCancelled",
    "RunExists",
    "RunFailed",
    "RunStateRefused",
    "RunUnknown",
    "SecretUnknown",
    "StoreBusy",
    "StoreDamaged",
    "StoreFault",
    "StoreFull",
    "StoreReadOnly",
    "StoreSchemeUnknown",
    "TaskCallError",
    "TaskStateRefused",
    "TaskTypeUnknown",
    "TaskUnknown",
    "TraceError",
    "WriteLost",
    "from_code",
]


def _tree(root: type[PyflowError]) -> Iterable[type[PyflowError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _tree(kind)


CODES: Mapping[str, type[PyflowError]] = {kind.code: kind for kind in _tree(PyflowError)}
"""Each code with its class."""


def from_code(code: str, values: Mapping[str, Any]) -> PyflowError:
    """Make the error of a code out of its fields; values that the class lacks are left out.

    An unknown code gives a plain `PyflowError`, so that a newer core can be heard.
    """
    kind = CODES.get(code, PyflowError)
    known = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in values.items() if name in known})
