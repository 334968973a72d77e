"""What all tests share: one thread for linear algebra, as in a run, set before numpy is loaded."""

import os

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(library, "1")
