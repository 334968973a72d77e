"""Tables, figures and the report: results rows in, pictures out. Not here: computing a statistic."""
