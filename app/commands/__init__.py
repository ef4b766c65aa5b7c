"""One module per command of ``alvys-sage``. `app.cli` imports a module when its command is run."""
