# Writes secondary.json: what R's glm, MASS and survival give on secondary.csv. Run: Rscript secondary.R
library(MASS); library(survival); library(jsonlite)
d <- read.csv("secondary.csv", stringsAsFactors = TRUE)
d$arm <- relevel(d$arm, "UC")
out <- list(session = list(R = R.version.string, MASS = as.character(packageVersion("MASS")),
                           survival = as.character(packageVersion("survival"))))
g <- glm(responded ~ sex + base + arm, binomial, d, control = glm.control(epsilon = 1e-14, maxit = 100))
X <- model.matrix(g); V <- vcov(g)
risk <- function(v) { X1 <- X; X1[, "armSRT"] <- v; p <- plogis(X1 %*% coef(g)); list(r = mean(p), s = colMeans(as.vector(p * (1 - p)) * X1)) }
a <- risk(0); b <- risk(1); S <- rbind(a$s, b$s); C <- S %*% V %*% t(S)
se <- function(w) sqrt(drop(t(w) %*% C %*% w))
out$logistic <- list(risk = c(a$r, b$r), risk_se = sqrt(diag(C)), rd = b$r - a$r, rd_se = se(c(-1, 1)),
  log_rr = log(b$r / a$r), log_rr_se = se(c(-1 / a$r, 1 / b$r)),
  log_or = qlogis(b$r) - qlogis(a$r), log_or_se = se(c(-1 / (a$r * (1 - a$r)), 1 / (b$r * (1 - b$r)))))
nb <- glm.nb(events ~ sex + arm + offset(log(days)), d, control = glm.control(epsilon = 1e-13, maxit = 200))
# glm.nb's own standard errors take the dispersion as known; the full information is what is compared.
nll <- function(th) { mu <- exp(th[1] + th[2] * (d$sex == "Male") + th[3] * (d$arm == "SRT")) * d$days
  -sum(dnbinom(d$events, size = 1 / th[4], mu = mu, log = TRUE)) }
o <- optim(c(coef(nb), 1 / nb$theta), nll, method = "BFGS", hessian = TRUE, control = list(reltol = 1e-16, maxit = 1000, parscale = c(1, 1, 1, 1)))
out$negative_binomial <- list(log_ratio = unname(coef(nb)["armSRT"]), se_known_dispersion = unname(sqrt(diag(vcov(nb)))["armSRT"]),
  se_full = sqrt(diag(solve(o$hessian)))[3], dispersion = 1 / nb$theta, log_likelihood = as.numeric(logLik(nb)))
out$poisson <- { p <- glm(events ~ sex + arm + offset(log(days)), poisson, d, control = glm.control(epsilon = 1e-14)); list(log_ratio = unname(coef(p)["armSRT"]), se = unname(sqrt(diag(vcov(p)))["armSRT"])) }
po <- polr(factor(level) ~ sex + base + arm, d, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000))
out$proportional_odds <- list(log_ratio = unname(coef(po)["armSRT"]), se = unname(sqrt(diag(vcov(po)))["armSRT"]))
cx <- coxph(Surv(time, had) ~ sex + arm, d, ties = "efron", control = coxph.control(eps = 1e-14, iter.max = 100))
out$cox <- list(log_ratio = unname(coef(cx)["armSRT"]), se = unname(sqrt(diag(vcov(cx)))["armSRT"]))
out$log_rank <- survdiff(Surv(time, had) ~ arm, d)$chisq
sf <- survfit(Surv(time, had) ~ arm, d, conf.type = "log-log")
at <- summary(sf, times = 500)
out$curve <- list(survival = at$surv, se = at$std.err, lower = at$lower, upper = at$upper)
rm <- summary(sf, rmean = 500)$table
out$restricted_mean <- list(mean = unname(rm[, "rmean"]), se = unname(rm[, "se(rmean)"]))
write_json(out, "secondary.json", digits = 16, auto_unbox = TRUE, pretty = TRUE)
