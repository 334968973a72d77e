"""What we compute: pure functions of tables and plans. Not here: files, the clock, Dagster."""
