"""``python -m app`` is ``alvys-sage``."""

from app.start import main

main()
