"""Any entry of the ledger, drawn by hypothesis."""

from datetime import UTC

from hypothesis import strategies as st

from consumers.export.protocol.document_state import Claim, DocumentState, LastOutcome, Posted
from domain.codes import Code
from domain.documents import Connection, SageObject
from domain.outcomes import Outcome

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
connections = st.builds(Connection, text, text, st.none() | text, text)
claims = st.builds(
    Claim,
    revision=text,
    control_id=text,
    attempt=st.integers(0, 9),
    connection=connections,
    sage_object=st.sampled_from(SageObject),
    number=text,
    party_id=text,
    total=st.decimals(-(10**12), 10**12, places=2, allow_nan=False),
    lease_until=st.datetimes(timezones=st.just(UTC)),
)
posteds = st.builds(Posted, text, text, text, connections, st.sampled_from(SageObject), text, text)
endings = st.builds(
    LastOutcome,
    text,
    st.sampled_from(Outcome),
    st.integers(0, 2**62),
    st.integers(0, 2**42),
    st.none() | st.sampled_from(Code),
    st.none() | text,
    st.lists(text, max_size=3).map(tuple),
    st.booleans(),
)
entries = st.builds(
    DocumentState,
    key=st.sampled_from(["a", "b", "c"]),
    attempts=st.integers(0, 9),
    posted=st.none() | posteds,
    claim=st.none() | claims,
    last=st.none() | endings,
    parked=st.none() | st.binary(max_size=20),
)
