"""The Sage Intacct XML gateway, as a client library: sessions, documents posted, documents and parties looked up.

Knows nothing of Kafka or events. Errors, and what each of them proves, are drawn in `sage_client.errors`.
"""

from sage_client import errors
from sage_client._classify import classify
from sage_client._kinds import Certainty, Kind, Level
from sage_client._reply import Row
from sage_client._text import Limits
from sage_client.answers import Answer, Call, Done, Refused, Unknown
from sage_client.books import Account, Entity, Term
from sage_client.client import GATEWAY_URL, SageClient
from sage_client.discovery import CustomField, Dimension, DimensionValue
from sage_client.errors import SageError
from sage_client.gateway_error import GatewayError
from sage_client.login import Login
from sage_client.lookups import DocumentKey, Found
from sage_client.query import AllOf, AnyOf, Filter, Operator, Query, Where, equal, one_of, since
from sage_client.timeouts import Timeouts
from sage_client.turns import Pace

__all__ = [
    "GATEWAY_URL",
    "Account",
    "AllOf",
    "Answer",
    "AnyOf",
    "Call",
    "Certainty",
    "CustomField",
    "Dimension",
    "DimensionValue",
    "DocumentKey",
    "Done",
    "Entity",
    "Filter",
    "Found",
    "GatewayError",
    "Kind",
    "Level",
    "Limits",
    "Login",
    "Operator",
    "Pace",
    "Query",
    "Refused",
    "Row",
    "SageClient",
    "SageError",
    "Term",
    "Timeouts",
    "Unknown",
    "Where",
    "classify",
    "equal",
    "errors",
    "one_of",
    "since",
]
