"""What crash tests share: a broker of their own."""

from tests.servers import mosquitto

__all__ = ["mosquitto"]
