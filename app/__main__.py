"""``python -m app`` is ``alvys-sage``."""

from app.cli import main

main()
