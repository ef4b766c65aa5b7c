"""Characters that Sage Intacct takes, by field, and who says so. `lookup` of a real company tells no length of any.

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
description              80  the same DTD. An integrator names 1,000; the text is made of ours, and needs no more
memo of a line          500  the same DTD. Ours are kept to 200, so that a document of many lines fits into one result
amount                   14  Sage's OpenAPI, where it gives one: 99,999,999,999.99
====================  =====  =========================================================================================

The newest source counts. What is longer is never cut in silence: an identifier is refused, or cut and told where the
connection says so (`longValues`); a text that this service makes is cut and told; a profile's field is left out and
told.
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
"""Of a customer's, vendor's or contact's fields, by Sage's names."""
