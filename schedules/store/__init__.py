"""Rosters, releases and feeds in PostgreSQL.

Every function takes a connection; the caller owns the transaction. Rows become the core's dataclasses
here and go no further. Statements stand in queries.sql.
"""
