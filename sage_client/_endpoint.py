"""Check of the addresses to which requests may go: the gateway, and the session endpoints that its answers name.

Every request contains the sender's password, so an answer must not redirect us to a foreign host. An endpoint is
accepted only within the domain of the gateway, and never with weaker protection:

=======================================  ==============================================================================
host of the gateway                      accepted endpoints
=======================================  ==============================================================================
`api.intacct.com`: a name of three       hosts in the domain without the first part, `intacct.com`; if that is a shared
parts or more                            suffix (`co.uk`), only the host itself and its subdomains
`intacct.com`: a name of two parts       the host itself and its subdomains
`127.0.0.1`, `localhost`, `10.1.2.3`     the same host (for a loopback address any of its names), and the same port
=======================================  ==============================================================================

The setting `domain` allows another domain than that of the gateway. In every case the endpoint must use https, unless
the gateway itself is used over http; the default port of its scheme, or the port of the gateway; no user and no
password; and no characters that two URL parsers could read differently.
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
"""Second-level names under a country code under which anybody may register a domain, such as `co` in `co.uk`."""
_COUNTRY = 2


def is_loopback(url: str) -> bool:
    """Whether the address is this machine itself, so that requests do not leave it."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    ip = _ip(host)
    return ip.is_loopback if ip is not None else host == "localhost" or host.endswith(".localhost")


def endpoint_refusal(endpoint: str, gateway_url: str, domain: str | None = None) -> str | None:
    """The reason why the endpoint of an answer is not accepted; None if it is accepted.

    Args:
        endpoint: The endpoint, as the answer names it.
        gateway_url: The configured address of the gateway.
        domain: The domain of accepted endpoints; None: that of the gateway, by the table above.
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
    """Determine the domain of the gateway's host, by the table above."""
    first, _, rest = host.partition(".")
    labels = rest.split(".")
    if len(labels) < 2 or (len(labels) == 2 and labels[0] in _SHARED and len(labels[1]) == _COUNTRY):  # noqa: PLR2004 - two parts make a domain
        return host
    return rest if first else host


def shown(address: str) -> str:
    """Format an address for texts and logs: without user, password and query, on one line of 200 characters at most."""
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
