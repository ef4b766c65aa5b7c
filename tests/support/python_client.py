"""The published Python client of Sage Intacct, PyPI `sageintacctsdk`, with a simulator as its gateway."""

from typing import Any

import pytest
from sageintacctsdk.apis.api_base import ApiBase


def send_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every connection that is made from now on go to this gateway. The client has the address as a constant."""
    original = ApiBase.__init__

    def redirected(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self._ApiBase__api_url = url

    monkeypatch.setattr(ApiBase, "__init__", redirected)
