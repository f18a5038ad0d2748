import ssl

import pytest

from pyflow.devices.broker_url import parse_broker_url
from pyflow.errors import ConfigInvalid


def test_a_full_url_is_read() -> None:
    url = parse_broker_url("mqtts://plant:p%40ss@broker.test:8884?version=3.1.1")

    assert (url.host, url.port, url.tls) == ("broker.test", 8884, True)
    assert (url.username, url.password, url.versions) == ("plant", "p@ss", ("3.1.1",))
    assert url.shown == "mqtts://broker.test:8884"


@pytest.mark.parametrize(("text", "port"), [("mqtt://h", 1883), ("mqtts://h", 8883)])
def test_ports_have_the_usual_defaults_and_5_is_tried_first(text: str, port: int) -> None:
    url = parse_broker_url(text)

    assert url.port == port
    assert url.versions == ("5", "3.1.1")


def test_tls_checks_host_names() -> None:
    context = parse_broker_url("mqtts://h").tls_context()

    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert parse_broker_url("mqtt://h").tls_context() is None


@pytest.mark.parametrize(
    "text",
    [
        "amqp://u:secret@h",
        "mqtt://",
        "mqtt://u:secret@h:99999",
        "mqtt://u:secret@h?version=4",
        "mqtt://u:secret@h?insecure=1",
    ],
)
def test_a_wrong_url_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        parse_broker_url(text)

    assert "secret" not in str(refused.value)
