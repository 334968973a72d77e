"""From accepted forms to the analysis set: scores, visits, populations, participant flow."""

from analysis.derive.analysis_set import AnalysisSet, build_analysis_set

__all__ = ["AnalysisSet", "build_analysis_set"]
