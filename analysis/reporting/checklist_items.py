"""The items of CONSORT 2025, in our own words, and where a report may have each. Not here: whether it has (checklist).

Source: Hopewell and others, CONSORT 2025 statement, BMJ 2025, doi 10.1136/bmj-2024-081123.
"""

from dataclasses import dataclass

SOURCE = "Hopewell and others, CONSORT 2025 statement, BMJ 2025, doi 10.1136/bmj-2024-081123"


@dataclass(frozen=True, slots=True)
class Item:
    """One item; `places` are names of tables and figures, or "section: title of a paragraph", best first."""

    number: str
    topic: str
    asks: str
    places: tuple[str, ...] = ()
    remains: str = ""  # for the author, though the report has its part
    author: str = ""  # for the author, where the report has nothing
    lacks: tuple[
        tuple[str, str], ...
    ] = ()  # what remains too where the report has not a place, which is none of `places`


HEAD: dict[str, str] = {
    "title": "Title of the report",
    "registration": "Head of the report",
}  # above all sections
DESIGN, ELIGIBLE, OUTCOMES = "methods: Trial design", "methods: Eligibility", "methods: Outcomes"
POPULATIONS, METHODS, FLOW = "methods: Populations", "methods: *", "flow: *"
DECLARED = (
    "declared: sites",
    "declared: shares",
    "declared: restrictions",
    "declared: blocks",
)  # told in DESIGN
SITES, SHARES, RESTRICTED, BLOCKS = DECLARED
REASONS = "disposition-table: reasons"  # of whoever was lost

ITEMS: dict[str, tuple[Item, ...]] = {
    "Title and abstract": (
        Item("1a", "Title", "Say that the trial was randomised.", ("title",), author="A title that says “randomised”."),
        Item("1b", "Abstract", "Summarise design, methods, results and conclusions.", author="The abstract."),
    ),
    "Open science": (
        Item(
            "2", "Registration", "Name the registry, the number and address there, and the date.", ("registration",),
            "The address, and the date of registration.", "Registry, number, address and date of registration.",
        ),
        Item(
            "3", "Protocol and analysis plan", "Say where both can be read.", ("clauses-table",),
            "Where the protocol and the signed plan can be read.", "Where the protocol and the plan can be read.",
        ),
        Item(
            "4", "Data sharing", "Say where data without identities, their dictionary and the code are to be had.",
            ("reproduce-table", "sources-table"), "Where, when and to whom participants' data are given.",
            "Where and to whom data and code are given.",
        ),
        Item("5a", "Funding", "Name the funders, and what they had a part in.", author="Funders and their part."),
        Item("5b", "Conflicts of interest", "Name the authors' interests.", author="The authors' interests."),
    ),
    "Introduction": (
        Item("6", "Background", "Say what is known, and why the trial was needed.", author="Background and rationale."),
        Item(
            "7", "Objectives", "State what was asked, of benefits and of harms.", ("estimand-table",),
            "The objectives on harms.", "The objectives.",
        ),
    ),
    "Methods": (
        Item(
            "8", "Patients and public", "Say how they took part in design, conduct and reporting.",
            author="How patients and the public took part.",
        ),
        Item(
            "9", "Design", "Name the kind of trial, the shares of the arms, and what was to be shown.", (DESIGN,),
            "Whether superiority, equivalence or non-inferiority was to be shown.", "The design of the trial.",
            lacks=((SHARES, "The shares of the arms."),),
        ),
        Item(
            "10", "Changes", "Tell what changed after the start, also of outcomes and analyses, and why.",
            ("deviations-table",), "Changes of the protocol that the trial file does not declare.",
            "Changes of the protocol, or that there were none.",
        ),
        Item(
            "11", "Setting", "Say where, in which kind of service, the trial was done.", (SITES,),
            "Countries and kinds of services.", "Sites, countries and kinds of services.",
        ),
        Item("12a", "Eligibility: participants", "State who could take part.", (ELIGIBLE,),
             "Criteria that no column holds.", "Who could take part."),
        Item(
            "12b", "Eligibility: sites and therapists", "State what sites and those who gave the therapies had to be.",
            author="Criteria for sites and therapists.",
        ),
        Item(
            "13", "Interventions", "Describe each arm so that it could be done again.", ("estimand-table",),
            "The therapies in detail, and where their manuals are.", "The therapies in detail.",
        ),
        Item("14", "Outcomes", "Define each outcome: what, how summed up, and when.",
             (OUTCOMES, "estimand-table"), "How and by whom outcomes were assessed.", "The outcomes."),
        Item("15", "Harms", "Say how harms were defined and looked for.", ("harms-table",),
             "How harms were looked for, and by whom they were judged.", "How harms were defined and looked for."),
        Item("16a", "Sample size", "Say how it was found, with every assumption.", (),
             author="The calculation of the sample size."),
        Item("16b", "Interim analyses", "Explain them, and the rules for stopping.",
             author="Interim analyses and stopping rules, or that there were none."),
        Item("17a", "Sequence: making", "Say who made the random sequence, and how.",
             author="Who made the sequence, and with which program."),
        Item("17b", "Sequence: kind", "Name its restrictions, such as strata and blocks.", (RESTRICTED,),
             lacks=((BLOCKS, "The sizes of the blocks, or that there were none."),),
             author="The kind of randomisation and its restrictions."),
        Item("18", "Concealment", "Say how the sequence was kept hidden until allocation.",
             author="How allocation was concealed."),
        Item("19", "Implementation", "Say whether those who enrolled or assigned could know the sequence.",
             author="Who enrolled, who assigned, and what they could know."),
        Item("20a", "Blinding: who", "Say who was blinded after allocation.", ("facts-table",),
             "Who, of participants, therapists and assessors, was blinded: the report knows of its analysts only.",
             "Who was blinded."),
        Item("20b", "Blinding: how", "Say how it was done.",
             author="How blinding was done, and how alike the arms looked."),
        Item("21a", "Statistical methods", "Say how arms were compared, of each outcome and of harms.", (METHODS,),
             author="The statistical methods."),
        Item("21b", "Who is analysed", "Define who is in each analysis, and in which arm.",
             (POPULATIONS, "populations-table"), author="Who is in each analysis."),
        Item("21c", "Missing data", "Say how they were handled.", (METHODS, "missing-table"),
             author="How missing data were handled."),
        Item("21d", "Additional analyses", "Name them, and which were planned beforehand.",
             ("clauses-table", METHODS), "Analyses made afterwards.", "Subgroup and sensitivity analyses."),
    ),
    "Results": (
        Item("22a", "Flow", "Count by arm who was allocated, treated as intended, and analysed.",
             (FLOW, "disposition-table"), author="The flow of participants."),
        Item("22b", "Losses", "Count by arm who was lost or excluded, with reasons.",
             ("disposition-table", FLOW, "populations-table"),
             author="Losses and exclusions, with reasons.", lacks=((REASONS, "Reasons for loss."),)),
        Item("23a", "Recruitment", "Give the dates of recruitment and of follow-up.",
             ("recruitment-course", "recruitment-table"),
             "The dates of follow-up.", "Dates of recruitment and follow-up."),
        Item("23b", "End of the trial", "Say why it ended or was stopped.", author="Why the trial ended."),
        Item("24a", "Therapy as delivered", "Report what was really given, and how it was attended.",
             ("delivery-table",), "Fidelity to the manual.", "What was given, and how it was attended."),
        Item("24b", "Other care", "Report the care received beside the trial.", (),
             author="Care beside the trial, by arm."),
        Item("25", "Baseline", "Show by arm who the participants were.", ("baseline-table",),
             author="A table of the participants at baseline."),
        Item("26", "Numbers and estimates",
             "Give by arm numbers analysed and results, the effect and its precision; of a yes or no risks and ratios.",
             ("primary-table", "secondary-table", "observed-table"), author="Results of every outcome."),
        Item("27", "Harms", "Report every harm in each arm.", ("harms-table",), author="Harms by arm."),
        Item("28", "Other analyses", "Report subgroup, sensitivity and other analyses, planned or not.",
             ("sensitivity-table", "moderators-table", "cace-table"), author="Results of other analyses."),
    ),
    "Discussion": (
        Item("29", "Interpretation", "Weigh benefits and harms against the results and what else is known.",
             author="The interpretation."),
        Item("30", "Limitations", "Name bias, imprecision, multiplicity, and to whom the results apply.",
             author="The limitations."),
    ),
}  # fmt: skip
