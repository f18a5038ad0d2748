import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyflow.errors import AddressRefused
from pyflow.tasks.addresses import is_public, require_public

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_of_the_open_internet_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        require_public(address)

    assert refused.value.address == address


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    require_public(address)


@given(st.ip_addresses(v=4))
def test_every_way_to_write_an_ipv4_address_gets_the_same_verdict(address: object) -> None:
    number = int(address)  # type: ignore[call-overload] # an IPv4Address
    verdict = is_public(str(address))

    for prefix in (0xFFFF << 32, 0x64FF9B << 96):
        written = f"{prefix + number:032x}"
        groups = ":".join(written[at : at + 4] for at in range(0, 32, 4))
        assert is_public(groups) == verdict
