"""The time-outs of the workers of a run, from the claim of a document to the proof that its call was not executed.

`SHIPPED` are the service's own defaults, all divided by one number, so that their ratios are the shipped ones: an
exchange may take five times as long as the call may wait for its beginning, and Sage's limit is three times the
exchange. `SHORT` are shorter, and the first two of one length: a run with them sees each wait more often.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.settings import Settings

FACTOR = 60
"""What the shipped time-outs are divided by: a minute becomes a second, the shortest that a setting can say."""


@dataclass(frozen=True, slots=True)
class RunTimes:
    """Whole seconds. The first three together are the lease."""

    send_within: int
    """From the claim until the call begins."""
    exchange: int
    """For one request to the gateway and its answer."""
    execution: int
    """What Sage may take for a request that has arrived."""
    circuit_opens: int
    circuit_retries: int

    @property
    def lease(self) -> int:
        """Seconds after a claim before which absence in Sage proves nothing."""
        return self.send_within + self.exchange + self.execution

    def settings(self) -> Mapping[str, str]:
        """The service's settings of these times, without their prefix."""
        return {
            "SEND_DEADLINE_SECONDS": str(self.send_within),
            "GATEWAY_TIMEOUT_SECONDS": str(self.exchange),
            "EXECUTION_LIMIT_SECONDS": str(self.execution),
            "CIRCUIT_OPEN_AFTER_SECONDS": str(self.circuit_opens),
            "CIRCUIT_RETRY_SECONDS": str(self.circuit_retries),
        }


def _shipped(setting: str) -> int:
    whole, rest = divmod(Settings.model_fields[setting].default, FACTOR)
    if rest:
        raise ValueError(f"the default of {setting} is no multiple of {FACTOR} seconds: the ratios would change")
    return int(whole)


SHIPPED = RunTimes(
    send_within=_shipped("send_deadline_seconds"),
    exchange=_shipped("gateway_timeout_seconds"),
    execution=_shipped("execution_limit_seconds"),
    circuit_opens=_shipped("circuit_open_after_seconds"),
    circuit_retries=_shipped("circuit_retry_seconds"),
)
SHORT = RunTimes(send_within=2, exchange=2, execution=3, circuit_opens=10, circuit_retries=1)
TIMES: Mapping[str, RunTimes] = {"shipped": SHIPPED, "short": SHORT}
