"""The numbers behind the demonstration trials, from SUPEREDEN3 where published. Not here: drawing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FOLLOW_UPS = ("m9", "m15", "m24")
EFFECTS: Mapping[
    str, tuple[float, float, float]
] = {  # true effect on hours/week, by trial, at each follow-up
    "demo": (8.0, 5.0, 4.0),
    "demo_null": (0.0, 0.0, 0.0),
    "demo_negative": (-5.0, -5.0, -5.0),
}

# Randomisation
N_USUAL_CARE, N_THERAPY = 79, 76
BLOCK_SIZES = (4, 6)
SHARE_MALE = 0.72
FIRST_DAY = date(2016, 3, 1)
RECRUITMENT_DAYS = 730

# Structured activity, hours/week
BASELINE_MEAN, BASELINE_SD, BASELINE_CAP = 11.2, 7.5, 30.0
USUAL_CARE_MEANS = (18.0, 22.0, 24.0)
SD_AT_18, SD_PER_HOUR, SD_LIMITS = 18.0, 0.6, (17.0, 24.0)  # the SD rises with the mean
SHARE_ZERO = 0.12
WEEK = 168.0
LATENT_BASELINE_CORRELATION = 0.45  # of the normals; gives 0.35-0.45 between the hours themselves
LATENT_FOLLOW_UP_CORRELATION = 0.70  # gives 0.55-0.75
PARTS = {  # how the hours divide: Dirichlet weights
    "paid_work_hours": 0.8,
    "voluntary_work_hours": 0.4,
    "education_hours": 0.8,
    "caring_hours": 0.5,
    "sport_hours": 0.6,
    "leisure_hours": 0.9,
}

# Therapy
THERAPISTS_PER_SITE = (3, 4)
THERAPIST_ICC = 0.035
SESSIONS_MEAN, SESSIONS_SD, SHARE_NO_SESSION, SESSIONS_CAP = 12.0, 7.0, 0.10, 40
ADEQUATE_DOSE = 8  # sessions

# Attendance: the chance that a follow-up's hours are observed
OBSERVED_USUAL_CARE = (0.915, 0.77, 0.71)
OBSERVED_THERAPY = (0.945, 0.83, 0.79)
ATTENDANCE_CORRELATION = 0.85  # latent, so that most losses last but some people come back
ATTENDED_UNRECORDED = 0.15  # of the unobserved: came, but the interview was not done (code -99)
EVENTS_PER_PERSON = 0.35


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """How an instrument's answers are drawn."""

    level: float  # mean answer, as a share of the way from the lowest to the highest
    usual_care_gain: float  # SD units, at every follow-up
    gain_per_hour: float  # SD units for each hour of the trial's true effect


QUESTIONNAIRES: Mapping[str, Questionnaire] = {
    "ucla3": Questionnaire(level=0.52, usual_care_gain=-0.10, gain_per_hour=-0.05),
    "mars5": Questionnaire(level=0.72, usual_care_gain=0.05, gain_per_hour=0.03),
    "audit": Questionnaire(level=0.16, usual_care_gain=-0.05, gain_per_hour=-0.02),
    "psp": Questionnaire(level=0.48, usual_care_gain=0.30, gain_per_hour=0.05),
}
TRAIT_STABILITY = 0.6  # correlation of a trait between two visits
ITEM_LOADING = 0.75
RATING_SD = 13.0  # points, of a single rating from 1 to 100
SHARE_DECLINED = 0.015  # of items: code 88
SHARE_NOT_RATED = 0.03  # of ratings: code -99
SHARE_QUESTIONNAIRES_DONE = 0.97  # of the visits at which hours were observed

# Missing codes of the exports
NOT_RECORDED, NO_INPATIENT_STAY, DECLINED = -99.0, 999.0, 88.0
