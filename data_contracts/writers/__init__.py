"""Frames out to files, as a trials unit would export them. Not here: what the frames hold."""
