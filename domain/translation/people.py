"""Profiles of customers and drivers, with their addresses, from which records in Sage Intacct are created."""

from domain.documents import TAX_1099
from domain.events.fields import PostalAddress
from domain.events.invoice import Customer
from domain.events.settlement import Driver
from domain.parties.profiles import Address, Profile


def address(found: PostalAddress | None) -> Address | None:
    """Convert an address of an event; None if it is missing or all its parts are empty."""
    if found is None:
        return None
    parts = (found.street, found.address2, found.city, found.state, found.zip_code, found.country)
    return Address(*[part or "" for part in parts]) if any(parts) else None


def of_customer(customer: Customer) -> Profile:
    """Build the profile of a customer. Its name is the External Accounting Name, else the name.

    The Invoicing Name is never used (Alvys's article "Sage Intacct: Transaction Export and Modification").
    """
    return Profile(
        alvys_id=customer.id or None,
        name=customer.external_accounting_name or customer.name or "",
        address=address(customer.invoicing_address) or address(customer.billing_address),
        email=next(iter(customer.email_addresses), ""),
        phone=next(iter(customer.phone_numbers), ""),
    )


def company_name(driver: Driver) -> str | None:
    """The name of the tax company under which a 1099 driver is a vendor; None for other drivers, or without one."""
    if driver.tax_category != TAX_1099:
        return None
    return driver.tax_company_name or (driver.tax_company.name if driver.tax_company else None)


def of_driver(driver: Driver) -> Profile:
    """Build the profile of a driver.

    A 1099 driver with a tax company gets the name, address, tax id and contact data of that company. All other drivers
    get their own.
    """
    company = company_name(driver)
    theirs = (driver.tax_company if company else None) or driver
    return Profile(
        alvys_id=driver.id,
        name=company or driver.name or "",
        address=address(theirs.address),
        email=theirs.email or "",
        phone=theirs.phone or "",
        tax_id=theirs.tax_id or "",
        name_1099=driver.name1099 or (company or driver.name or "" if driver.form1099_type else ""),
        form_1099_type=driver.form1099_type or "",
        form_1099_box=driver.form1099_box or "",
    )
