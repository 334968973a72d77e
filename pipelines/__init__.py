"""When and where the hops run: folders, store, jobs, schedules, sensors, command line."""

import os

# Before numpy is loaded: the matrices of a trial are small, so threads of the linear algebra only get in each
# other's way (twice the time on two cores), and how many there are would decide the last digit of a sum.
for _library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
