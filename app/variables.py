"""The names of the service's environment variables."""

PREFIX = "ALVYS_SAGE_"


def variable(field: str) -> str:
    """The name of a setting's environment variable.

    Args:
        field: The field of `app.settings.Settings`.
    """
    return PREFIX + field.upper()
