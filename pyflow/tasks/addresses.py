"""Which addresses a request may reach. Pure: an address goes in, a verdict comes out."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from pyflow.errors import AddressRefused

_NAT64 = IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = IPv6Network("::/96")


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Find the IPv4 address that an IPv6 one leads to: mapped, translated or tunnelled."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _V4_COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def is_public(text: str) -> bool:
    """Tell whether an address is one of the open internet.

    Loopback, private, link-local, carrier, multicast and reserved ranges are not, nor is an IPv6
    address that leads to one of them. A zone (`fe80::1%eth0`) makes no difference.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def require_public(text: str) -> None:
    """Refuse an address that is not public.

    Raises:
        AddressRefused: It is not; the configuration can allow such addresses.
    """
    if not is_public(text):
        raise AddressRefused(
            f"requests to the private address {text} are refused; "
            "`allow_private_addresses` in the configuration of the worker allows them",
            address=text,
        )
