"""The query book: queries with their lives, and the nights' counts, in a database (SQLAlchemy).

Not here: the rules of a query's life (data_contracts.query_life), what a terminal shows (cli.queries).
"""
