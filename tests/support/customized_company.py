"""A company for the simulator with dimensions of its own and a custom field of every kind."""

from simulator.seed import Company, Config, CustomField, Record, User, UserDefinedDimension

FIELDS = (
    CustomField(object="ARINVOICE", name="A_DATE", type="date"),
    CustomField(object="ARINVOICE", name="A_CURRENCY", type="currency"),
    CustomField(object="ARINVOICE", name="A_NUMBER", type="number", required=True),
    CustomField(object="ARINVOICE", name="A_TEXT", max_length=40),
    CustomField(object="ARINVOICE", name="AN_AREA", type="textarea", data_type="TEXT_AREA"),
    CustomField(object="APBILLITEM", name="A_LINE", type="text"),
    CustomField(object="APBILL", name="A_PICKLIST", type="picklist", values=("x",)),
    CustomField(object="APBILL", name="A_LISTED", type="multipicklist", data_type="TEXT", values=("x", "y")),
    CustomField(object="APBILL", name="A_MULTI", type="multipicklist", data_type="MULTI-PICKLIST", values=("x",)),
    CustomField(object="APBILL", name="A_CHECKBOX", type="checkbox"),
    CustomField(object="APBILL", name="AN_EMAIL", type="email", data_type="EMAIL"),
    CustomField(object="APBILL", name="A_PERCENT", type="percent"),
    CustomField(object="APBILL", name="A_URL", type="url", data_type="URL"),
    CustomField(object="APBILL", name="A_PASSWORD", type="password", data_type="PASSWORD"),
    CustomField(object="APBILL", name="A_SEQUENCE", type="sequence"),
    CustomField(object="APBILL", name="A_WONDER", type="text", data_type="HOLOGRAM"),
)
CONFIG = Config(
    dimensions_not_in_gl=("project",),
    user_dimensions=(
        UserDefinedDimension(name="LINE_OF_BUSINESS", label="Line of business", values=("Dry van", "Reefer")),
        UserDefinedDimension(name="RIG", label="Rig", platform_app=True, values=("1",)),
        UserDefinedDimension(name="SPEND_ONLY", enabled_in_gl=False),
    ),
    custom_fields=FIELDS,
)
COMPANY = Company(
    company_id="ACME",
    senders=("AlvysMPP",),
    users=(User(id="u", password="p"), User(id="denied", password="p", denied=("CLASS",))),
    config=CONFIG,
    departments=(
        Record(id="OPS", name="Operations"),
        Record(id="OLD", name="Old", status="inactive"),
        Record(id="SUM", name="All of it", status="active non-posting"),
    ),
)
