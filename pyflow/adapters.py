"""Small protocols between workflows and the outside: devices, business processes, data.

Implement one where the built-in task types do not reach. The built-in ones implement them too:
`pyflow.devices.adapter.MqttDevice`, `pyflow.tasks.table_process.TableProcess` and
`pyflow.devices.alerts.ThresholdAlerts`.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

from pyflow.task import Task

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)
Value = TypeVar("Value")


@runtime_checkable
class IoTDeviceAdapter(Protocol[Value]):
    """A device that can be read and told what to do."""

    async def get_device_data(self) -> Value:
        """Read the device.

        Raises:
            DeviceError: It is silent, refuses, or sends what cannot be read.
        """
        ...

    async def send_command(self, command: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Have the device carry out a command, and give back what it answers.

        Raises:
            DeviceError: It is silent, refuses, or sends what cannot be read.
        """
        ...

    def as_workflow_task(self) -> "Task[..., Value]":
        """Make a task that sends a command, if one is given, and then reads the device."""
        ...


@runtime_checkable
class BusinessProcessAdapter(Protocol[Value]):
    """A business process: the work, and the business state that its result goes into.

    The two are tasks of their own, so that a crash between them repeats only the second. That one
    must therefore be repeatable: the same result for the same key changes nothing more.
    """

    def adapt_to_workflow(self) -> "Task[..., Value]":
        """Make the task that does the work."""
        ...

    async def update_business_state(self, key: str, result: Value) -> None:
        """Put a result into the business state, once however often it is called.

        `key` names the business object that the result belongs to.
        """
        ...


@runtime_checkable
class DataTransformer(Protocol[In_contra, Out_co]):
    """A pure change of data: same in, same out, nothing else touched."""

    def transform(self, value: In_contra) -> Out_co:
        """Change one value.

        Raises:
            ValueError: The value is not one that it takes.
        """
        ...
