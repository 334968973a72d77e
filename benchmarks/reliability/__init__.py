"""What accidents do to a night, tried and counted; `python -m benchmarks.reliability`. Not here: speed (benchmarks)."""
