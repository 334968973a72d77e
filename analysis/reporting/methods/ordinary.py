"""Words that begin labels and no name. Not here: what becomes of them inside a sentence (words)."""

# Any other first word may be a name (Beck, Edinburgh, Welsh), and keeps its letters.
LISTED = """
a absent acceptance accident according activity actual additional adequate adherence adjusted admission admissions
adverse after against age age-related agreement alcohol all allocated allocation already also among an analyses
analysis anger another antidepressant antidepressants antipsychotic antipsychotics anxiety any appointments arm
arms as assessment assessor assigned assumed at attendance attended available average baseline basic before
behaviour behavioural being bereavement beside better between birth blinding blood body both bullying burden by
calendar called calls cancelled cannabis care carer carer's carers caring cause centre certainly change changed
childhood children chronic cigarettes clinic clinical cluster clusters cognition cognitive combined common
compared complete completed completely compliance complier compliers concomitant condition conduct confidence
consent consented consultations contact contacts continued control controls conversion copy cost costs could count
counts couple crisis critical cumulative current daily date day days death deaths declined definitely deliberate
delivered delusions demographic dependence depressed depression depressive descriptions despite deterioration
deviation diagnosed diagnosis diary did died difference different difficulties difficulty disability discharge
discontinued dissatisfaction distance distress district dizziness dosage dose drinking drop dropout dropouts
dropped drug drugs due duration each early eating education effect effects eighty elevated eligibility eligible
emergency emotional employed employment end end-of-treatment ended enrolment entry episode episodes estimated
ethnic ethnicity events ever every everybody example excluded exclusions exercise expected experience experiences
exposure face fall falls family fasting fatigue fear feasibility feeling felt female final financial findings
first fluid follow follow-up found frequency friends friendship from full fully function functional functioning
further gambling gender general global group growth hair hallucinations harms having headache headaches health
hearing heart height high higher highest home hopelessness hospital hours household housework housing how
hypomania hypotheses illness impairment imputed in income individual ineligible injuries injury inpatient insight
insomnia instrumental intensity intention interest internet intervention interview job jump knowledge language
late learning left leisure length less level levels life lifetime likely living loneliness looking lost low lower
lowest main major making male manic marital mean means median medication mental methods migraine mild mindfulness
minimal minutes missing mixed mobility moderate month monthly months mood mortality mother motivation moved nausea
negative neither never new nights no nobody none not number nurse observed obsessions occupation of offending
older on one open other others out outcome outcomes over overall paid pain panic paranoia parent parenting parents
partial participant participants participation patient patients people per perceived percentage person personal
physical place planned police population populations positive possibly post practice preferred pregnancy
prescribed prescriptions present previous primary prior probably problems professional proportion protocol proxy
psychiatric psychological psychosis psychotic public quality quantity questionnaires randomisation randomised rate
rating reached reading readmission reason reasons received recovery reduced referral referrals refused relapse
relapses related relationship relationships relative relatives remaining remission residual resilience responder
response retention risk rumination safety satisfaction schizophrenia school score screening secondary sedation
sedentary seen self self-efficacy self-esteem self-harm serious service sessions setting severe severity sex shame
short sick sickness side simple since site sites skills sleep sleeping smoking social some spouse stable started
status stay staying stigma still stopped stress stroke structured study substance substances successful suicidal
suicidality suicide support supported suspected symptom symptoms takes telephone telephoned tension the therapist
therapists therapy third those thoughts time to too total training transfer trauma traumatic treatment trial trust
type unable under unemployed units unknown unlikely unplanned unrelated untreated unwell unwilling use using usual
victimisation violence visit visits voices volunteering waist waiting walking wanted week weekly weeks weight
well-being wellbeing whether while with withdrawal withdrawals withdrew without women work worry worse year years
yes younger
"""
ORDINARY = frozenset(LISTED.split())
