"""Books that lag, pure: rows younger than the lag are left out, and reversals since are not shown yet."""

from lxml import etree

from chaos.lag import LaggingBooks
from simulator.envelope import Function


def answered(key):
    return f"""<response><operation><result><status>success</status><controlid>id</controlid><key>{key}</key></result>
    </operation></response>""".encode()


def call(name, key=""):
    return [Function("id", name, etree.Element(name, key=key))]


def query(*rows, tag="ARINVOICE"):
    told = "".join(f"<{tag}><RECORDNO>{number}</RECORDNO><STATE>{state}</STATE></{tag}>" for number, state in rows)
    data = f'<data count="{len(rows)}" totalcount="{len(rows)}" numremaining="0">{told}</data>'
    return f"<response><operation><result><status>success</status>{data}</result></operation></response>".encode()


def rows(answer):
    [data] = etree.fromstring(answer).iterfind("operation/result/data")
    assert data.get("count") == data.get("totalcount") == str(len(data))
    return [(row.findtext("RECORDNO"), row.findtext("STATE")) for row in data]


def test_a_document_is_shown_once_the_lag_is_over():
    books = LaggingBooks()
    books.note("ACME", call("create_invoice"), answered(7), now=10.0)
    there = query(("7", "Posted"), ("3", "Paid"))
    assert rows(books.as_before("ACME", there, 9.0)) == [("3", "Paid")]
    assert books.as_before("ACME", there, 10.0) == there
    assert books.as_before("OTHER", there, 9.0) == there


def test_a_reversal_is_shown_once_the_lag_is_over():
    books = LaggingBooks()
    books.note("ACME", call("reverse_invoice", key="7"), answered(8), now=10.0)
    there = query(("7", "Reversed"), ("8", "Reversal"))
    assert rows(books.as_before("ACME", there, 9.0)) == [("7", "Posted")]
    assert books.as_before("ACME", there, 10.0) == there


def test_rows_of_other_objects_and_failed_calls_are_left_as_they_are():
    books = LaggingBooks()
    books.note("ACME", call("create_invoice"), answered(7), now=10.0)
    books.note("ACME", call("create_invoice"), answered(9).replace(b"success", b"failure"), now=10.0)
    customers, failed = query(("7", ""), tag="CUSTOMER"), query(("9", "Posted"))
    assert books.as_before("ACME", customers, 9.0) == customers
    assert books.as_before("ACME", failed, 9.0) == failed
    assert books.hidden == 0
