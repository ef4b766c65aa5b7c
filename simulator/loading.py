"""Loads a seed into the database. Loading again replaces set-up and master records; documents and payments are kept.

A record that exists in both keeps its record number. A record that is no longer in the seed is deleted.
"""

import json
from collections.abc import Iterator, Mapping

from simulator.catalogue import STANDARD, USER_DEFINED_TABLE, ObjectType
from simulator.database import Database
from simulator.fields import Value, written
from simulator.seed import Account, Company, Record, Seed, Sender, Term, UserDefinedDimension

FIRST_USER_DEFINED_ID = 10001
REQUIRE_FIELDS = {
    "location": "REQUIRELOC",
    "department": "REQUIREDEPT",
    "project": "REQUIREPROJECT",
    "task": "REQUIRETASK",
    "customer": "REQUIRECUSTOMER",
    "vendor": "REQUIREVENDOR",
    "employee": "REQUIREEMPLOYEE",
    "item": "REQUIREITEM",
    "class": "REQUIRECLASS",
    "contract": "REQUIRECONTRACT",
    "warehouse": "REQUIREWAREHOUSE",
}
_SIMPLE = {
    "departments": "DEPARTMENT",
    "classes": "CLASS",
    "projects": "PROJECT",
    "tasks": "TASK",
    "cost_types": "COSTTYPE",
    "employees": "EMPLOYEE",
    "items": "ITEM",
    "warehouses": "WAREHOUSE",
    "assets": "FIXEDASSET",
    "contracts": "CONTRACT",
}

Columns = dict[str, Value]


def load(database: Database, seed: Seed, now: str) -> None:
    """Load every sender and company of a seed in one transaction."""
    with database.atomic():
        for sender in seed.senders:
            load_sender(database, sender)
        for company in seed.companies:
            load_company(database, company, now)


def load_sender(database: Database, sender: Sender) -> None:
    """Add or replace a sender."""
    database.execute("REPLACE INTO sender VALUES (?, ?, ?)", (sender.id, sender.password, sender.active))


def load_company(database: Database, company: Company, now: str) -> None:
    """Add or replace a company's set-up and master records."""
    company_id = company.company_id
    database.execute(
        "REPLACE INTO company VALUES (?, ?, ?)", (company_id, company.name, company.config.model_dump_json())
    )
    database.execute("DELETE FROM authorised_sender WHERE company = ?", (company_id,))
    database.execute("DELETE FROM user_account WHERE company = ?", (company_id,))
    for sender in company.senders:
        database.execute("INSERT INTO authorised_sender VALUES (?, ?)", (company_id, sender))
    for user in company.users:
        database.execute(
            "INSERT INTO user_account VALUES (?, ?, ?, ?, ?)",
            (company_id, user.id, user.password, "\n".join(user.denied), user.status == "active"),
        )
    for object_name, rows in _master(company).items():
        _replace(database, company_id, STANDARD[object_name], rows, now)
    for dimension in company.config.user_dimensions:
        _user_dimension(database, company_id, dimension, now)


def _master(company: Company) -> Mapping[str, list[Columns]]:
    entities = [_record("LOCATIONENTITY", entity) for entity in company.entities]
    locations = [{**_record("LOCATION", entity), "ENTITY": entity.id} for entity in company.entities]
    locations += [
        {**_record("LOCATION", location), "ENTITY": location.entity, "PARENTID": location.parent}
        for location in company.locations
    ]
    simple = {
        object_name: [_record(object_name, record) for record in getattr(company, attribute)]
        for attribute, object_name in _SIMPLE.items()
    }
    return {
        "LOCATIONENTITY": entities,
        "LOCATION": locations,
        "CUSTOMER": [_record("CUSTOMER", record, company) for record in company.customers],
        "VENDOR": [_record("VENDOR", record, company) for record in company.vendors],
        "CONTACT": list(_contacts(company)),
        "ARTERM": [_term(term) for term in company.ar_terms],
        "APTERM": [_term(term) for term in company.ap_terms],
        "GLACCOUNT": [_account(account) for account in company.accounts],
        **{
            f"{side}ACCOUNTLABEL": [
                {"ACCOUNTLABEL": label.label, "GLACCOUNTNO": label.account, "STATUS": "active"}
                for label in company.account_labels
                if label.side == side
            ]
            for side in ("AR", "AP")
        },
        **simple,
    }


def _record(object_name: str, record: Record, company: Company | None = None) -> Columns:
    object_type = STANDARD[object_name]
    row: Columns = {
        "NAME": record.name or record.id,
        "STATUS": record.status,
        "MEGAENTITYID": record.private_to,
        object_type.natural_column: record.id,
    }
    if object_name in {"CUSTOMER", "VENDOR"}:
        row["DISPLAYCONTACTNAME"] = f"{record.name}({object_name[0]}{record.id})"
    custom = {field.name for field in company.config.custom_fields if field.object == object_name} if company else set()
    if custom:
        row["CUSTOM"] = json.dumps({name: text for name, text in record.fields.items() if name in custom})
    for name, text in record.fields.items():
        if name in custom:
            continue
        known = object_type.fields.get(name)
        if known is None or known.column is None:
            raise ValueError(f"{object_name} {record.id}: the field {name} is not known")
        row[known.column] = written(known.kind, text)
    return row


def _contacts(company: Company) -> Iterator[Columns]:
    for letter, parties in (("C", company.customers), ("V", company.vendors)):
        for party in parties:
            yield {
                "CONTACTNAME": f"{party.name}({letter}{party.id})",
                "PRINTAS": party.name,
                "STATUS": "active",
                "MEGAENTITYID": party.private_to,
            }
    for contact in company.contacts:
        row = _record("CONTACT", contact.model_copy(update={"name": ""}))
        row.pop("NAME")
        yield {"PRINTAS": contact.name or contact.id, **row}


def _term(term: Term) -> Columns:
    return {"NAME": term.name, "DUEDATE": term.days, "STATUS": term.status}


def _account(account: Account) -> Columns:
    return {
        "ACCOUNTNO": account.number,
        "TITLE": account.title,
        "ACCOUNTTYPE": account.type,
        "NORMALBALANCE": account.normal_balance,
        "CLOSINGTYPE": "closing account" if account.type == "incomestatement" else "non-closing account",
        "STATUS": account.status,
        **{field: int(dimension in account.requires) for dimension, field in REQUIRE_FIELDS.items()},
    }


def _replace(database: Database, company: str, object_type: ObjectType, rows: list[Columns], now: str) -> None:
    natural = object_type.natural_column
    existing = {row[natural]: int(row["RECORDNO"]) for row in database.find(object_type.table, company)}
    for row in rows:
        number = existing.pop(row[natural], None)
        if number is None:
            database.insert(object_type.table, company, {**row, "WHENCREATED": now, "WHENMODIFIED": now})
        else:
            database.update(object_type.table, company, number, {**row, "WHENMODIFIED": now})
    for number in existing.values():
        database.delete(object_type.table, company, number)


def _user_dimension(database: Database, company: str, dimension: UserDefinedDimension, now: str) -> None:
    known = {row["NAME"] for row in database.find(USER_DEFINED_TABLE, company, OBJECT_NAME=dimension.name)}
    database.execute(
        "INSERT OR IGNORE INTO sequence VALUES (?, ?, ?)", (company, USER_DEFINED_TABLE, FIRST_USER_DEFINED_ID - 1)
    )
    for value in dimension.values:
        if value not in known:
            row: Columns = {"OBJECT_NAME": dimension.name, "NAME": value, "WHENCREATED": now, "WHENMODIFIED": now}
            database.insert(USER_DEFINED_TABLE, company, row)
