"""One module per command of ``alvys-sage``. `app.cli` imports each when it is asked for."""
