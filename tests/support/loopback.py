"""Whether something is on its way between two TCP sockets of this process, as the system's own counters tell.

Loopback is fast, not instant: beside other work, what one end sent may reach the other some milliseconds later.
"""

import socket
import struct
from dataclasses import dataclass
from typing import Any, Final

_INFO: Final = struct.Struct("=B127xQ64xQQ")
"""Of Linux's `tcp_info`: state, bytes received, bytes sent, and those of them that were sent again."""
_OPTION: Final = getattr(socket, "TCP_INFO", None)
_ESTABLISHED: Final = 1

Address = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection."""

    fd: int
    here: Address
    there: Address


def end_of(fd: int) -> End | None:
    """The end that a file descriptor is. None: it is no connected TCP socket, or this system does not count bytes."""
    if _OPTION is None:
        return None
    try:
        opened = socket.socket(fileno=fd)
    except OSError:
        return None
    try:
        if opened.family not in (socket.AF_INET, socket.AF_INET6) or opened.type != socket.SOCK_STREAM:
            return None
        return End(fd, opened.getsockname(), opened.getpeername())
    except OSError:
        return None
    finally:
        opened.detach()


def on_the_way(ends: dict[int, End]) -> bool:
    """Whether an end has not received yet what its peer sent, or that its peer was closed.

    Args:
        ends: All connections of this process, by file descriptor. Those that were closed are removed here.
    """
    counted: dict[tuple[Address, Address], tuple[int, int, int]] = {}
    for fd, end in list(ends.items()):
        counters = _counters(end)
        if counters is None:
            del ends[fd]
        else:
            counted[end.here, end.there] = counters
    for (here, there), (state, received, _) in counted.items():
        peer = counted.get((there, here))
        if state == _ESTABLISHED and (peer is None or received < peer[2]):
            return True
    return False


def _counters(end: End) -> tuple[int, int, int] | None:
    """State, bytes received and bytes sent, each once. None: the connection was closed."""
    try:
        opened = socket.socket(fileno=end.fd)
    except OSError:
        return None
    try:
        if (opened.getsockname(), opened.getpeername()) != (end.here, end.there):
            return None  # another connection by now
        state, received, sent, again = _INFO.unpack(opened.getsockopt(socket.IPPROTO_TCP, _OPTION or 0, _INFO.size))
    except OSError:
        return None
    finally:
        opened.detach()
    return state, received, sent - again
