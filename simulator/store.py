"""The state of all companies, used by the gateway's functions, the admin endpoints and tests."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TypedDict

from simulator import loading
from simulator.catalogue import ObjectType, of_company, user_defined
from simulator.database import Database, Row
from simulator.fields import STATE_CODES, Field, Kind, Value, decimal_text, stamp, written
from simulator.kinds import ALL, BY_HEADER, SageDocumentKind, Side
from simulator.payments import Parts, Payment, PaymentDesk
from simulator.reversals import REVERSED, reversed_by
from simulator.seed import Company, Config, Seed, Sender, with_preset

Clock = Callable[[], datetime]
_CUSTOM_KINDS: dict[str, Kind] = {"date": "date", "checkbox": "boolean"}
_DIMENSIONS = (
    *("LOCATIONID", "DEPARTMENTID", "PROJECTID", "TASKID", "COSTTYPEID", "CUSTOMERID", "VENDORID"),
    *("EMPLOYEEID", "ITEMID", "CLASSID", "CONTRACTID", "WAREHOUSEID", "ASSETID"),
)


class CompanyState(TypedDict):
    """Counts and totals of a company, computed from the database."""

    invoices: int
    invoice_total: str
    bills: int
    bill_total: str
    payments: int
    control_ids: int


class Line(TypedDict):
    """One line of a document."""

    line: int
    recordno: int
    account: str
    amount: str
    memo: str
    dimensions: dict[str, str]
    custom: dict[str, str | int]


class StoredDocument(TypedDict):
    """A document as stored, to be compared with the intended document."""

    company: str
    entity: str
    kind: str
    recordno: int
    number: str
    reference: str
    party_id: str
    party_name: str
    date: str
    posting_date: str
    due_date: str
    term: str
    currency: str
    total: str
    due: str
    description: str
    state: str
    control_id: str
    custom: dict[str, str | int]
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Setup:
    """A company's configuration and its objects, with custom fields and user-defined dimensions."""

    config: Config
    objects: dict[str, ObjectType]


class UnknownCompanyError(LookupError):
    """No such company was loaded."""


class Store:
    """The records of all companies, in one database.

    Args:
        path: A path, or `:memory:`.
        clock: The source of time; None: the system's clock.
    """

    def __init__(self, path: str = ":memory:", clock: Clock | None = None) -> None:
        self.database = Database(path)
        self.clock: Clock = clock or (lambda: datetime.now(UTC))
        self._setups: dict[str, Setup] = {}
        self.payments = PaymentDesk(self.database, self.now_in)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def now(self) -> str:
        """The present time stamp."""
        return stamp(self.clock())

    def now_in(self, company: str) -> str:
        """The present time stamp of a company, with the offset of its clock and of its time zone."""
        config = self.setup(company).config
        return stamp(self.clock() + timedelta(seconds=config.clock_seconds, minutes=config.utc_offset_minutes))

    # --- set-up -----------------------------------------------------------------------------------------------------

    def load(self, seed: Seed) -> None:
        """Add or replace senders and companies; documents and payments stay."""
        loading.load(self.database, seed, self.now())
        self._setups.clear()

    def load_company(self, company: Company, senders: tuple[Sender, ...] = ()) -> None:
        """Add or replace one company."""
        self.load(Seed(senders=senders, companies=(company,)))

    def setup(self, company: str) -> Setup:
        """The configuration and objects of a company."""
        if company not in self._setups:
            row = self.database.one("SELECT config FROM company WHERE id = ?", (company,))
            if row is None:
                raise UnknownCompanyError(company)
            self._setups[company] = _setup(Config.model_validate_json(row["config"]))
        return self._setups[company]

    def configure(self, company: str, **changes: object) -> None:
        """Change fields of a company's configuration, e.g. `configure("ACME", books_closed_through="2026-03-31")`."""
        config = Config.model_validate(self.setup(company).config.model_dump() | with_preset(changes))
        self.database.execute("UPDATE company SET config = ? WHERE id = ?", (config.model_dump_json(), company))
        self._setups.clear()

    def set_record(self, company: str, object_name: str, key: str, values: Mapping[str, str]) -> None:
        """Change fields of a master record by its id, e.g. `{"STATUS": "inactive"}`; KeyError where there is none."""
        object_type = self.setup(company).objects[object_name]
        found = self.database.find(object_type.table, company, **{object_type.natural_column: key})
        row = next(iter(found), None)
        if row is None:
            raise KeyError(f"{object_name} {key}")
        columns = {}
        for name, text in values.items():
            known = object_type.fields[name]
            if known.column is None or known.custom:
                raise KeyError(f"{object_name}.{name}")
            columns[known.column] = written(known.kind, text)
        self.database.update(object_type.table, company, row["RECORDNO"], {**columns, "WHENMODIFIED": self.now()})

    # --- idempotency ------------------------------------------------------------------------------------------------

    def completed(self, company: str, control_id: str) -> bool:
        """Whether a function with this control id was executed and completed."""
        found = self.database.one("SELECT 1 FROM control_id WHERE company = ? AND id = ?", (company, control_id))
        return found is not None

    def remember(self, company: str, control_id: str, function: str) -> None:
        """Record that a function has completed. Call this within the function's own transaction."""
        self.database.execute("INSERT INTO control_id VALUES (?, ?, ?, ?)", (company, control_id, function, self.now()))

    # --- payments ---------------------------------------------------------------------------------------------------

    def receive_payment(
        self, company: str, applied: Mapping[int, str], *, on: date | None = None, number: str = "", method: str = "EFT"
    ) -> int:
        """Record a customer's payment applied to AR invoices (`{record number: amount}`); returns its record number."""
        parts: dict[int, str | Parts] = {**applied}
        return self.payments.record(company, "AR", Payment(parts, on, number, method))

    def pay_bills(
        self, company: str, applied: Mapping[int, str], *, on: date | None = None, number: str = "", method: str = "EFT"
    ) -> int:
        """Record a payment to a vendor applied to AP bills; returns its record number."""
        parts: dict[int, str | Parts] = {**applied}
        return self.payments.record(company, "AP", Payment(parts, on, number, method))

    def void_payment(self, company: str, side: Side, payment: int) -> None:
        """Void a payment. Its details are voided too, and the documents become due again."""
        self.payments.void(company, side, payment)

    def approve_bill(self, company: str, recordno: int) -> None:
        """Approve a submitted bill, which posts it. For companies that approve bills."""
        values = {"STATE": "Posted", "RAWSTATE": "A", "WHENMODIFIED": self.now_in(company)}
        self.database.update("APBILL", company, recordno, values)

    def set_state(self, company: str, object_name: str, recordno: int, state: str) -> None:
        """Set a document's state, such as Selected, Closed or Reversed, as a person would in Sage.

        Raises:
            KeyError: There is no such document, or no such state.
        """
        if object_name not in BY_HEADER or state not in STATE_CODES:
            raise KeyError(f"{object_name} in state {state}")
        found = self.database.find(object_name, company, RECORDNO=recordno)
        if not found:
            raise KeyError(f"{object_name} {recordno}")
        if state == REVERSED:
            now = self.now_in(company)
            reversed_by(self.database, BY_HEADER[object_name], found[0], now[:10], now)
            return
        values: dict[str, Value] = {
            "STATE": state,
            "RAWSTATE": STATE_CODES[state],
            "WHENMODIFIED": self.now_in(company),
        }
        self.database.update(object_name, company, recordno, values)

    # --- what is there ----------------------------------------------------------------------------------------------

    def companies(self) -> list[str]:
        """The ids of every company."""
        return [row["id"] for row in self.database.all("SELECT id FROM company ORDER BY id")]

    def state(self) -> dict[str, CompanyState]:
        """Count documents, totals, payments and control ids of each company."""
        return {company: self._company_state(company) for company in self.companies()}

    def _company_state(self, company: str) -> CompanyState:
        def count(statement: str) -> tuple[int, int]:
            row = self.database.one(statement, {"company": company})
            return (int(row[0]), int(row[1] or 0)) if row else (0, 0)

        invoices, invoiced = count("SELECT COUNT(*), SUM(TOTALENTERED) FROM ARINVOICE WHERE COMPANY = :company")
        bills, billed = count("SELECT COUNT(*), SUM(TOTALENTERED) FROM APBILL WHERE COMPANY = :company")
        received, _ = count("SELECT COUNT(*), 0 FROM ARPYMT WHERE COMPANY = :company")
        paid, _ = count("SELECT COUNT(*), 0 FROM APPYMT WHERE COMPANY = :company")
        control_ids, _ = count("SELECT COUNT(*), 0 FROM control_id WHERE company = :company")
        return CompanyState(
            invoices=invoices,
            invoice_total=decimal_text(invoiced),
            bills=bills,
            bill_total=decimal_text(billed),
            payments=received + paid,
            control_ids=control_ids,
        )

    def documents(self, company: str | None = None) -> list[StoredDocument]:
        """List every AR invoice, AP bill and adjustment with its lines, by company, kind and record number."""
        companies = [company] if company else self.companies()
        return [document for name in companies for kind in ALL for document in self._documents(kind, name)]

    def _documents(self, kind: SageDocumentKind, company: str) -> list[StoredDocument]:
        lines: dict[int, list[Line]] = {}
        for row in self.database.find(kind.line, company):
            lines.setdefault(row["RECORDKEY"], []).append(_line(row))
        headers = self.database.find(kind.header, company)
        return [_document(kind, row, lines.get(row["RECORDNO"], [])) for row in headers]


def _setup(config: Config) -> Setup:
    objects = dict(of_company(frozenset(config.subscriptions), common_only=config.common_fields_only))
    for dimension in config.user_dimensions:
        objects[dimension.name] = user_defined(dimension.name)
    added: dict[str, list[Field]] = {}
    for custom in config.custom_fields:
        kind = _CUSTOM_KINDS.get(custom.type, "text")
        added.setdefault(custom.object, []).append(
            Field(custom.name, kind, custom.name, custom=True, required=custom.required)
        )
    for line in (kind.line for kind in ALL):
        added.setdefault(line, []).extend(
            Field(f"GLDIM{dimension.name}", "integer", f"GLDIM{dimension.name}", custom=True)
            for dimension in config.user_dimensions
        )
    for name, fields in added.items():
        objects[name] = replace(objects[name], fields=objects[name].fields | {field.name: field for field in fields})
    return Setup(config, objects)


def _document(kind: SageDocumentKind, row: Row, lines: list[Line]) -> StoredDocument:
    return StoredDocument(
        company=row["COMPANY"],
        entity=row["MEGAENTITYID"],
        kind=kind.header,
        recordno=row["RECORDNO"],
        number=row["RECORDID"] or "",
        reference=row["DOCNUMBER"] or "",
        party_id=row[kind.party_id] or "",
        party_name=row[f"{kind.party}NAME"] or "",
        date=row["WHENCREATED"] or "",
        posting_date=row["WHENPOSTED"] or "",
        due_date=row["WHENDUE"] or "",
        term=row["TERMNAME"] or "",
        currency=row["CURRENCY"] or "",
        total=decimal_text(row["TOTALENTERED"]),
        due=decimal_text(row["TOTALDUE"]),
        description=row["DESCRIPTION"] or "",
        state=row["STATE"],
        control_id=row["CONTROL_ID"] or "",
        custom=json.loads(row["CUSTOM"] or "{}"),
        lines=lines,
    )


def _line(row: Row) -> Line:
    return Line(
        line=row["LINE_NO"],
        recordno=row["RECORDNO"],
        account=row["ACCOUNTNO"] or "",
        amount=decimal_text(row["AMOUNT"]),
        memo=row["ENTRYDESCRIPTION"] or "",
        dimensions={name: row[name] for name in _DIMENSIONS if row[name]},
        custom=json.loads(row["CUSTOM"] or "{}"),
    )
