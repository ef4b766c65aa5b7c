"""The functions of the gateway by name; `execute` runs one of them."""

from lxml import etree
from lxml.etree import _Element as Element

from simulator.call import Call, FunctionSuccess
from simulator.errors import SCHEMA, refuse
from simulator.functions import describing, generic, legacy, query, reading
from simulator.functions.reading import ResultSets
from simulator.functions.schema import LEGACY

_PLAIN = {
    "getAPISession": describing.get_api_session,
    "create": generic.create,
    "update": generic.update,
    "delete": generic.delete,
    "query": query.query,
    "read": reading.read,
    "readByName": reading.read_by_name,
    "lookup": describing.lookup,
    "inspect": describing.inspect,
    "getDimensions": describing.get_dimensions,
    "getUserPermissions": describing.get_user_permissions,
}
_PAGED = {"readByQuery": reading.read_by_query, "readMore": reading.read_more}


def execute(call: Call, results: ResultSets) -> FunctionSuccess:
    """Run a function by its name; raises FunctionError if it fails or is not simulated."""
    if call.function in LEGACY:
        return legacy.execute(call)
    if call.function in _PAGED:
        return _PAGED[call.function](call, results)
    plain = _PLAIN.get(call.function)
    if plain is None:
        raise refuse(SCHEMA, f"The function {call.function} is not simulated.")
    return plain(call)


def empty_data() -> Element:
    """The empty data element that a failed generic create has beside its errors."""
    return etree.Element("data", listtype="objects", count="0")
