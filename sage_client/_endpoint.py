"""Which addresses requests may go to: the gateway's, and the endpoints of sessions that its answers may name.

Every request carries the sender's password, so an answer must not send us to somebody else. An endpoint is followed
only within the gateway's domain and never with less protection:

=======================================  ==============================================================================
the gateway's host                       endpoints that are followed
=======================================  ==============================================================================
`api.intacct.com`: a name of three       hosts in the domain without its first part, `intacct.com`; where that is no
parts or more                            domain of anybody's (`co.uk`), the host itself and those below it
`intacct.com`: a name of two parts       the host itself and those below it
`127.0.0.1`, `localhost`, `10.1.2.3`     the same host (for a loopback any of its names), and the same port
=======================================  ==============================================================================

Another domain than the gateway's own is a setting: `domain`. Always: https, unless the gateway itself is spoken to over
http; the scheme's usual port, or the gateway's; no user, no password, nothing that two parsers could read differently.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

_ADDRESS = re.compile(
    r"(?i:https?)://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,;=:%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:%/?-]*)?"
)
_PORTS = {"http": 80, "https": 443}
_SHARED = {"ac", "co", "com", "edu", "gob", "gov", "ltd", "me", "ne", "net", "nom", "or", "org", "plc", "sch"}
"""Second-level names below a country's letters under which anybody may have a domain, such as `co` of `co.uk`."""
_COUNTRY = 2


def is_loopback(url: str) -> bool:
    """Whether the address is this machine itself, so that nothing of a request leaves it."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    ip = _ip(host)
    return ip.is_loopback if ip is not None else host == "localhost" or host.endswith(".localhost")


def endpoint_refusal(endpoint: str, gateway_url: str, domain: str | None = None) -> str | None:
    """Why an endpoint that an answer names is not followed; None if it may be.

    Args:
        endpoint: As the answer has it.
        gateway_url: The address that we were given.
        domain: The domain that endpoints may be in; None: the gateway's own, by the table above.
    """
    if (why := _unreadable(endpoint)) is not None:
        return why
    there, here = urlsplit(endpoint), urlsplit(gateway_url)
    port, host, own = _port(there), _host(there), _host(here)
    if there.scheme != "https" and here.scheme != "http":
        return "it is without TLS"
    if port == _port(here) and (host == own or (is_loopback(endpoint) and is_loopback(gateway_url))):
        return None
    allowed = (domain or "").casefold().strip(".") or (None if _ip(own) is not None else domain_of(own))
    if _ip(host) is not None or allowed is None or is_loopback(endpoint):
        return f"only {own}, port {_port(here)}, may be named"
    if host != allowed and not host.endswith(f".{allowed}"):
        return f"it is outside {allowed}"
    return (
        None if port in (_PORTS[there.scheme], _port(here)) else "its port is neither the usual one nor the gateway's"
    )


def _unreadable(endpoint: str) -> str | None:
    if _ADDRESS.fullmatch(endpoint) is None:
        return "it is no plain http or https address"
    try:
        _port(urlsplit(endpoint))
    except ValueError:
        return "its port is no port"
    return None


def domain_of(host: str) -> str:
    """The domain of a gateway's host, by the table above."""
    first, _, rest = host.partition(".")
    labels = rest.split(".")
    if len(labels) < 2 or (len(labels) == 2 and labels[0] in _SHARED and len(labels[1]) == _COUNTRY):  # noqa: PLR2004 - two parts make a domain
        return host
    return rest if first else host


def shown(address: str) -> str:
    """An address as it may be told: no user, no password, no query, on one line."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return "an unreadable address"
    host = parts.hostname or ""
    plain = f"{parts.scheme}://{host}{port}{parts.path}" if host else parts.path
    return "".join([sign if sign.isprintable() else "?" for sign in plain])[:200] or "no address"


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").casefold().rstrip(".")


def _port(parts: SplitResult) -> int:
    return parts.port if parts.port is not None else _PORTS[parts.scheme]


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
