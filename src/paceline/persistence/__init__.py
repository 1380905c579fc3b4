"""The only door to PostgreSQL: tables, migrations, stores, and the ledger with its named SQL."""
