# lme4 again, where the corpus run (lme4 1.1-31, default control) lost digits: a constant taken off the outcome or the
# covariate before fitting and put back after it, and an optimiser that stops later.
# Run in this folder: Rscript lme4_tight.R > lme4_tight.json    (R 4.2.2, lme4 1.1-31)
suppressMessages(library(lme4))
control <- lmerControl(
  optimizer = "nloptwrap", calc.derivs = FALSE, check.conv.singular = "ignore",
  optCtrl = list(xtol_abs = 1e-14, xtol_rel = 1e-14, ftol_abs = 1e-14, ftol_rel = 1e-15, maxeval = 1e5)
)
cases <- list("10_offset_1e8" = c(1e8, 0), "10b_offset_1e12" = c(1e12, 0), "12_covariate_unixtime" = c(0, 1600019422), "20_slope_small" = c(0, 0))
number <- function(x) sprintf("%.17g", x)
named <- function(x) paste0("{", paste0('"', names(x), '": ', number(x), collapse = ", "), "}")
entries <- lapply(names(cases), function(name) {
  shift <- cases[[name]]
  data <- read.csv(paste0(name, ".csv"))
  data$y <- data$y - shift[1]
  data$bl <- data$bl - shift[2]
  visits <- if (grepl("slope", name)) y ~ visit * factor(arm) + bl + (visit | id) else y ~ factor(visit) * factor(arm) + bl + (1 | id)
  fit <- lmer(visits, data, control = control)
  back <- diag(length(fixef(fit)))  # intercept = intercept of the shifted model - shift of bl * slope of bl
  back[1, names(fixef(fit)) == "bl"] <- -shift[2]
  beta <- setNames(drop(back %*% fixef(fit)) + c(shift[1], rep(0, nrow(back) - 1)), names(fixef(fit)))
  se <- setNames(sqrt(diag(back %*% as.matrix(vcov(fit)) %*% t(back))), names(beta))
  sprintf('  "%s": {"fe": %s, "bse": %s, "scale": %s, "llf": %s}', name, named(beta), named(se), number(sigma(fit)^2), number(as.numeric(logLik(fit))))
})
cat("{\n", paste(entries, collapse = ",\n"), "\n}\n", sep = "")
