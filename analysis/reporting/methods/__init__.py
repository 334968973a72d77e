"""Methods in words, generated from what was run: a paragraph per analysis. Not here: results (tables)."""
