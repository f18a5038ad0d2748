"""The URL of an MQTT broker: `mqtt://user:password@host:port`, `mqtts://` for TLS.

`?version=5` or `?version=3.1.1` fixes the protocol; without it 5 is tried first and 3.1.1 where the
broker has no 5. `mqtts` takes `ca_file`, `cert_file` and `key_file`.
"""

import ssl
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from pyflow.errors import ConfigInvalid

Version = Literal["5", "3.1.1"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_OPTIONS = frozenset({"version", "ca_file", "cert_file", "key_file"})


class BrokerUrl(msgspec.Struct, frozen=True, kw_only=True):
    """A broker URL, read. `versions` are those to try, in order."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    versions: tuple[Version, ...]
    ca_file: str | None
    cert_file: str | None
    key_file: str | None

    @property
    def shown(self) -> str:
        """The URL without what is secret in it."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """Make the TLS settings; host names are always checked. Reads files: off the loop."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


def parse_broker_url(url: str) -> BrokerUrl:
    """Read a broker URL.

    Raises:
        ConfigInvalid: It is none; the message does not repeat it, for it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _invalid(str(error)) from None
    if parts.scheme not in _PORTS:
        raise _invalid(f"the scheme {parts.scheme!r} is neither mqtt nor mqtts")
    if not parts.hostname:
        raise _invalid("it names no host")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := sorted(set(options) - _OPTIONS):
        raise _invalid(f"unknown options {unknown}; known are {sorted(_OPTIONS)}")
    return BrokerUrl(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        versions=_versions(options.get("version")),
        ca_file=options.get("ca_file"),
        cert_file=options.get("cert_file"),
        key_file=options.get("key_file"),
    )


def _versions(named: str | None) -> tuple[Version, ...]:
    if named is None:
        return ("5", "3.1.1")
    if named == "5":
        return ("5",)
    if named == "3.1.1":
        return ("3.1.1",)
    raise _invalid(f"version {named!r} is neither 5 nor 3.1.1")


def _invalid(why: str) -> ConfigInvalid:
    return ConfigInvalid(f"the MQTT URL cannot be read: {why}", key="mqtt.url")
