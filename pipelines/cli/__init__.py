"""The command `srt`: one file per command or small group. Not here: the work itself.

Modules here import nothing heavy at their top, so that `srt --help` answers at once.
"""
