"""Each primary and secondary estimate computed another way, from the published rows and the analysis set.

Not here: the estimators that are checked. Nothing of theirs is used: the design is built by formulaic from the
plan's words, the likelihoods are written out, and what is compared is what stands in the results table.
"""
