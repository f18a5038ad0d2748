"""Sensors to alerts to a notification.

Each sensor sends one message with temperature and humidity. Values beyond their limits become
alerts, and alerts become one notification; without alerts nothing is sent.

    python examples/sensor_pipeline.py --mqtt mqtt://localhost --notify json://localhost:8080/ a b
"""

import argparse
import asyncio

import msgspec

import pyflow
from pyflow.devices.alerts import Alert, Limits, ThresholdAlerts
from pyflow.devices.telemetry import SensorReadings
from pyflow.tasks.iot_sensor_reading import iot_sensor_reading
from pyflow.tasks.notification import NotificationResult, notification
from pyflow.tasks.settings import DeviceSettings, TaskSettings, use_settings

# One topic a sensor; each message carries both values.
CLIMATE = DeviceSettings(
    telemetry_topic="plant/{device_id}/climate",
    value="$.{reading_type}",
    unit={"temperature": "°C", "humidity": "%"},
)
ALERTS = ThresholdAlerts(
    {"temperature": Limits(low=18, high=28), "humidity": Limits(low=30, high=60)}
)


class AlertList(msgspec.Struct):
    """What is beyond its limits, and how it is told."""

    count: int
    text: str
    alerts: list[Alert]


@pyflow.task
def find_alerts(temperatures: SensorReadings, humidities: SensorReadings) -> AlertList:
    """Compare all readings with their limits."""
    alerts = ALERTS.transform([temperatures, humidities])
    lines = [
        f"{each.device_id}: {each.reading_type} {each.value:g} {each.unit} is "
        f"{'over' if each.beyond == 'high' else 'under'} {each.limit:g}"
        for each in alerts
    ]
    return AlertList(len(alerts), "\n".join(lines), alerts)


@pyflow.workflow
def sensor_pipeline(sensor_ids: list[str]) -> NotificationResult | None:
    """Collect, find alerts, notify if there are any."""
    read = iot_sensor_reading.options(max_retries=3, timeout_s=30)
    temperatures = read(sensor_ids, "temperature")
    humidities = read(sensor_ids, "humidity")
    found = find_alerts(temperatures, humidities)
    notify = notification.options(max_retries=3)
    return pyflow.decide(
        (found.count > 0, lambda: notify(found.text, "alarms", level="warning")),
    )


async def main() -> None:
    """Run the pipeline once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mqtt", default="mqtt://localhost")
    parser.add_argument("--notify", required=True)
    parser.add_argument("--store", default="memory://")
    parser.add_argument("sensors", nargs="+")
    options = parser.parse_args()
    use_settings(
        TaskSettings(
            mqtt_url=options.mqtt,
            devices={"default": CLIMATE},
            channels={"alarms": (options.notify,)},
        )
    )
    async with pyflow.connect(options.store) as engine:
        run = await engine.start(sensor_pipeline, options.sensors)
        sent = await run.result(timeout_s=120)
        print("nothing to tell" if sent is None else f"{sent.delivered} notified")


if __name__ == "__main__":
    asyncio.run(main())
