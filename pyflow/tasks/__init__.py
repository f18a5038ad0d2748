"""The built-in task types. `builtin.py` holds their table; each is imported when first used."""
