"""Invented trials, drawn from a seed, as a trials unit would have keyed them. Not here: files."""
