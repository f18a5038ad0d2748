"""Taking what is secret out of settings before they are shown."""

import re
from typing import Any, Final

from pyflow._values import is_list

MASK: Final = "***"

_REFERENCES = re.compile(r"(?:\$\{\s*secret\.\w+\s*\}[/@:]?)+")
_SECRET_OPTION = re.compile(r"(?i)([?&][^=&]*(?:pass|secret|token|key|auth)[^=&]*=)([^&#]*)")


def masked(key: str, value: Any) -> Any:
    """Give a setting's value as it may be shown. References to secrets are shown as they stand.

    Args:
        key: The setting's dotted key.
        value: Its value.
    """
    if is_list(value):
        return [masked(key, each) for each in value]
    if not isinstance(value, str):
        return value
    if key.startswith("channels."):
        return _masked_channel(value)
    return masked_url(value) if "://" in value else value


def masked_url(url: str) -> str:
    """Take the password, and options that sound like one, out of a URL."""
    scheme, separator, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    userinfo, at, host = place.rpartition("@")
    if not at and "@" in path and ":" in place:
        # A password with a slash in it: everything up to the last @ may be part of it.
        userinfo, at, host = rest.rpartition("@")
        slash = path = ""
    if at:
        user, colon, password = userinfo.partition(":")
        shown = password if _REFERENCES.fullmatch(password) else MASK
        place = f"{user}{colon}{shown if colon else ''}@{host}"
    text = f"{scheme}{separator}{place}{slash}{path}"
    return _SECRET_OPTION.sub(_masked_option, text)


def _masked_option(found: re.Match[str]) -> str:
    value = found[2]
    return found[1] + (value if _REFERENCES.fullmatch(value) else MASK)


def _masked_channel(url: str) -> str:
    """Show the scheme only: services put tokens anywhere in such a URL."""
    scheme, separator, rest = url.partition("://")
    if _REFERENCES.fullmatch(url):
        return url
    if not separator:
        return MASK
    return url if _REFERENCES.fullmatch(rest) else f"{scheme}://{MASK}"
