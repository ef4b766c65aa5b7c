"""Client library for the Sage Intacct XML gateway: sessions, posting of documents, look-up of documents and parties.

It knows nothing of Kafka or events. `sage_client.errors` lists all errors and what each of them proves.
"""

from sage_client import errors
from sage_client._classify import classify
from sage_client._endpoint import is_loopback
from sage_client._error_categories import Certainty, ErrorCategory, ExchangeLevel
from sage_client._reply import SageRow
from sage_client.answers import EXECUTED_BEFORE, Answer, Call, Done, Refused, Unknown, in_a_word
from sage_client.client import GATEWAY_URL, SageClient
from sage_client.corrections import REVERSALS, UPDATABLE, Correction, DeleteCall, ReverseCall, UpdateCall, line_elements
from sage_client.discovery import CustomField, Dimension, DimensionValue
from sage_client.errors import SageError
from sage_client.gateway_error import GatewayError
from sage_client.login import Login
from sage_client.lookups import DocumentKey, Found
from sage_client.parties import PartyCall, PartyFields
from sage_client.query import AllOf, AnyOf, Filter, Operator, Query, Where, equal, one_of, since
from sage_client.rate_limiter import RateLimit
from sage_client.records import SageRecord
from sage_client.reference_data import Account, Entity, Term
from sage_client.timeouts import Timeouts

__all__ = [
    "EXECUTED_BEFORE",
    "GATEWAY_URL",
    "REVERSALS",
    "UPDATABLE",
    "Account",
    "AllOf",
    "Answer",
    "AnyOf",
    "Call",
    "Certainty",
    "Correction",
    "CustomField",
    "DeleteCall",
    "Dimension",
    "DimensionValue",
    "DocumentKey",
    "Done",
    "Entity",
    "ErrorCategory",
    "ExchangeLevel",
    "Filter",
    "Found",
    "GatewayError",
    "Login",
    "Operator",
    "PartyCall",
    "PartyFields",
    "Query",
    "RateLimit",
    "Refused",
    "ReverseCall",
    "SageClient",
    "SageError",
    "SageRecord",
    "SageRow",
    "Term",
    "Timeouts",
    "Unknown",
    "UpdateCall",
    "Where",
    "classify",
    "equal",
    "errors",
    "in_a_word",
    "is_loopback",
    "line_elements",
    "one_of",
    "since",
]
