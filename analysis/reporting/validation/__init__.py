"""The readable page on a trial's data, a file per part. Not here: the page of the results (document)."""
