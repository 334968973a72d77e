"""What the data must be: trials, instruments, readers and rules. Not here: computing results, Dagster."""
