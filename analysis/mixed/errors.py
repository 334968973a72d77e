"""What the engine refuses, one class per kind of problem; each message says where and what to do."""


class MixedModelError(ValueError):
    """A mixed model that cannot be fitted as asked."""


class BadDataError(MixedModelError):
    """The rows given cannot be what was meant: a name, a type, a duplicate, an infinity."""


class TooLittleDataError(MixedModelError):
    """The rows are well formed, but hold too little for the model asked."""


class MeaninglessRequestError(MixedModelError):
    """A question the fitted model has no answer to."""
