# Residuals of Beat the Blues' primary model by nlme, summarised as analysis/estimators/residuals.py does.
# Rscript residuals.R rows.csv residuals.json, where rows.csv holds the analysed rows: participant, visit (m2 m3 m5 m8),
# arm (TAU, BtheB), bdi, bdi_baseline, drug, length. R 4.2.2, nlme 3.1-162, jsonlite.
library(nlme)
files <- commandArgs(trailingOnly = TRUE)
d <- read.csv(files[1])
d$visit <- factor(d$visit, levels = c("m2", "m3", "m5", "m8"))
d$arm <- factor(d$arm, levels = c("TAU", "BtheB"))
d <- d[order(d$participant, d$visit), ]
d$time <- as.integer(d$visit)
fit <- gls(
  bdi ~ bdi_baseline * visit + arm * visit + drug + length, data = d, method = "REML",
  correlation = corSymm(form = ~ time | participant), weights = varIdent(form = ~ 1 | visit),
  control = glsControl(maxIter = 500, msMaxIter = 2000, tolerance = 1e-12, msTol = 1e-14, opt = "nlminb")
)
pearson <- as.numeric(residuals(fit, type = "pearson"))
normalised <- as.numeric(residuals(fit, type = "normalized"))
fitted <- as.numeric(fitted(fit))

n <- nrow(d)
parts <- min(n %/% 10, 40)
sizes <- rep(n %/% parts, parts) + (seq_len(parts) <= n %% parts)
part <- rep(seq_len(parts), sizes)
scores <- qnorm((seq_len(n) - 0.375) / (n + 0.25))
edges <- quantile(fitted, (1:9) / 10, type = 7)
tenth <- findInterval(fitted, edges, left.open = TRUE) + 1
middle <- function(group) t(sapply(split(pearson, group), quantile, c(0.25, 0.5, 0.75), names = FALSE, type = 7))
answer <- list(
  log_likelihood = as.numeric(logLik(fit)),
  probability = as.numeric(pnorm(tapply(scores, part, mean))),
  quantile = as.numeric(tapply(sort(normalised), part, mean)),
  fitted = as.numeric(tapply(fitted, tenth, median)),
  by_tenth = unname(middle(tenth)),
  by_visit = unname(middle(d$visit))
)
writeLines(jsonlite::toJSON(answer, digits = NA, pretty = TRUE, auto_unbox = TRUE), files[2])
