"""Characters that Sage Intacct accepts, by field, with the source. `lookup` of a real company gives no lengths.

====================  =====  =========================================================================================
field                 chars  source
====================  =====  =========================================================================================
document number          45  Sage's import templates of invoices, bills and adjustments
PO number, DOCNUMBER    100  the same
customer, vendor id      20  what integrators use; Sage's OpenAPI of customers has 21
address line            255  what integrators tell their users; likewise city 80, phone 30, e-mail 200
contact's name          200  Sage's help on imports of contacts
name, name to print     100  Sage's DTD 2.1 of 2019, which no newer source contradicts; likewise state 40, zip 30, tax
                             id 20
description              80  the same DTD. An integrator says 1,000; the service writes this text and needs no more
memo of a line          500  the same DTD. Ours are kept to 200, so that a document of many lines fits into one result
amount                   14  Sage's OpenAPI, where it gives one: 99,999,999,999.99
====================  =====  =========================================================================================

The newest source counts. No longer text is cut silently. An identifier is refused, or cut if the connection allows it
(`longValues`). A text that this service writes is cut. A field of a profile is left out. The result reports each cut
and each field left out.
"""

NUMBER = 45
REFERENCE = 100
DESCRIPTION = 80
MEMO = 500
AMOUNT = 14
PARTY_ID = 20
NAME = 100
CONTACT_NAME = 200
PROFILE = {
    "TAXID": 20,
    "NAME1099": NAME,
    "EMAIL1": 200,
    "PHONE1": 30,
    "ADDRESS1": 255,
    "ADDRESS2": 255,
    "CITY": 80,
    "STATE": 40,
    "ZIP": 30,
}
"""Lengths of the fields of a customer, vendor or contact, by Sage's field names."""
